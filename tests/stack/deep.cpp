#include <stdexcept>
#include <tuple>

#include "braid/combine/when_all.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shared_task.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "stack/small_stack.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

enum class bottom { ends_at_once, yields, does_io, throws };

task<long> levels(long left, bottom what) {
  if (left > 0) co_return 1 + co_await levels(left - 1, what);
  if (what == bottom::yields) co_await yield();
  if (what == bottom::does_io) co_await nop();
  if (what == bottom::throws) throw std::runtime_error("from the bottom");
  co_return 0;
}

task<void> levels_of_nothing(long left) {
  if (left > 0) co_await levels_of_nothing(left - 1);
}

// The same with a sender around each task.
template <class Around>
task<long> wrapped_levels(long left, bottom what, Around around) {
  if (left == 0) co_return co_await levels(0, what);
  co_return 1 + co_await around(wrapped_levels(left - 1, what, around));
}

// Runs innermost tasks that end in different ways, under that many levels of `around`.
template <class Around>
void check_wrapped(long count, Around around) {
  for (const bottom what : {bottom::ends_at_once, bottom::yields, bottom::does_io})
    CHECK(on_small_stack([&] { return run(wrapped_levels(count, what, around)); }) == count);
}

task<long> first_of(task<long> one) {
  auto [value] = co_await when_all(std::move(one));
  co_return value;
}

}  // namespace

TEST_CASE("constant stack: 1,000,000 nested tasks that end at once", "[stack]") {
  CHECK(on_small_stack([] { return run(levels(deep, bottom::ends_at_once)); }) == deep);
  CHECK(on_small_stack([] { return run(levels_of_nothing(deep)), true; }));
}

TEST_CASE("constant stack: 1,000,000 nested tasks over a yield", "[stack]") {
  CHECK(on_small_stack([] { return run(levels(deep, bottom::yields)); }) == deep);
}

TEST_CASE("constant stack: 1,000,000 nested tasks over an operation in the kernel", "[stack]") {
  CHECK(on_small_stack([] { return run(levels(deep, bottom::does_io)); }) == deep);
}

TEST_CASE("constant stack: 1,000,000 nested tasks under a fiber", "[stack]") {
  for (const bottom what : {bottom::ends_at_once, bottom::yields, bottom::does_io})
    CHECK(on_small_stack([&] { return run(in_fiber([&] { return await(levels(deep, what)); })); }) == deep);
}

TEST_CASE("constant stack: an exception leaves 100,000 nested tasks", "[stack]") {
  CHECK(on_small_stack([] {
          const auto ended = capture([] { return run(levels(fairly_deep, bottom::throws)); });
          return ended ? "no exception" : ended.error().message();
        }) == "from the bottom");
}

TEST_CASE("constant stack: 100,000 nested as_result", "[stack]") {
  check_wrapped(fairly_deep,
                [](task<long> one) -> task<long> { co_return *co_await as_result(std::move(one)); });
}

TEST_CASE("constant stack: 100,000 nested when_all and when_any", "[stack]") {
  check_wrapped(fairly_deep, first_of);
  check_wrapped(fairly_deep, [](task<long> one) -> task<long> {
    co_return std::get<0>((co_await when_any(std::move(one), sleep_for(1h))).value);
  });
}

TEST_CASE("constant stack: 100,000 nested with_timeout", "[stack]") {
  check_wrapped(fairly_deep, [](task<long> one) { return with_timeout(std::move(one), 1h); });
}

TEST_CASE("constant stack: 100,000 nested shared tasks", "[stack]") {
  check_wrapped(fairly_deep, [](task<long> one) { return shared_task<long>(std::move(one)); });
}

TEST_CASE("constant stack: 100,000 nested futures", "[stack]") {
  check_wrapped(fairly_deep, [](task<long> one) { return spawn(std::move(one)); });
}

TEST_CASE("constant stack: an error leaves 100,000 nested joins", "[stack]") {
  CHECK(on_small_stack([] {
          const auto ended =
              capture([] { return run(wrapped_levels(fairly_deep, bottom::throws, first_of)); });
          return ended ? "no exception" : ended.error().message();
        }) == "from the bottom");
}
