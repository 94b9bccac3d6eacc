#include <memory>
#include <stdexcept>

#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shared_task.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "stack/small_stack.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

task<long> one() { co_return 1; }
task<void> nothing() { co_return; }
task<std::unique_ptr<long>> owned() { co_return std::make_unique<long>(1); }
task<long> one_after_a_yield() {
  co_await yield();
  co_return 1;
}

// Awaits what make() returns that many times, in a coroutine.
template <class Make>
task<long> sum_of(long times, Make make) {
  long sum = 0;
  for (long i = 0; i < times; ++i) sum += co_await make();
  co_return sum;
}

// The same in a fiber.
template <class Make>
auto fiber_sum_of(long times, Make make) {
  return in_fiber([=] {
    long sum = 0;
    for (long i = 0; i < times; ++i) sum += await(make());
    return sum;
  });
}

const auto ready_value = [] { return just(1L); };
const auto ready_error = [] { return just_from([]() -> long { throw std::runtime_error("no"); }); };

}  // namespace

TEST_CASE("constant stack: 3,000,000 awaits of a task that ends at once, in a coroutine", "[stack]") {
  CHECK(on_small_stack([] { return run(sum_of(many, one)); }) == many);
}

TEST_CASE("constant stack: 3,000,000 awaits of a task that ends at once, in a fiber", "[stack]") {
  CHECK(on_small_stack([] { return run(fiber_sum_of(many, one)); }) == many);
}

TEST_CASE("constant stack: 3,000,000 awaits of a task without a value, and of one that owns its value",
          "[stack]") {
  CHECK(on_small_stack([] {
          return run([]() -> task<long> {
            long sum = 0;
            for (long i = 0; i < many; ++i) {
              co_await nothing();
              sum += *co_await owned();
            }
            co_return sum;
          });
        }) == many);
}

TEST_CASE("constant stack: 3,000,000 awaits of a sender that is ready, in a coroutine", "[stack]") {
  CHECK(on_small_stack([] { return run(sum_of(many, ready_value)); }) == many);
}

TEST_CASE("constant stack: 3,000,000 awaits of a sender that is ready, in a fiber", "[stack]") {
  CHECK(on_small_stack([] { return run(fiber_sum_of(many, ready_value)); }) == many);
}

TEST_CASE("constant stack: 3,000,000 awaits of the stop token and of results", "[stack]") {
  CHECK(on_small_stack([] {
          return run([]() -> task<long> {
            long sum = 0;
            for (long i = 0; i < many; ++i) {
              if (!(co_await get_stop_token()).stop_possible()) sum += *co_await as_result(just(1L));
            }
            co_return sum;
          });
        }) == many);
}

TEST_CASE("constant stack: 300,000 awaits that fail at once", "[stack]") {
  const auto count = [] {
    return run([]() -> task<long> {
      long failed = 0;
      for (long i = 0; i < many / 10; ++i) {
        try {
          co_await ready_error();
        } catch (const std::runtime_error&) {
          ++failed;
        }
      }
      co_return failed;
    });
  };
  CHECK(on_small_stack(count) == many / 10);
}

TEST_CASE("constant stack: 1,000,000 awaits of completed futures", "[stack]") {
  CHECK(on_small_stack([] { return run(sum_of(many / 3, [] { return make_ready_future(1L); })); }) ==
        many / 3);
  CHECK(on_small_stack([] { return run(fiber_sum_of(many / 3, [] { return make_ready_future(1L); })); }) ==
        many / 3);
  CHECK(on_small_stack([] { return run(sum_of(many / 3, [] { return spawn(one()); })); }) == many / 3);
}

TEST_CASE("constant stack: 1,000,000 awaits of a shared task that has ended, and of new ones", "[stack]") {
  CHECK(on_small_stack([] {
          const shared_task<long> shared = one();
          return run(sum_of(many / 3, [=] { return shared; }));
        }) == many / 3);
  CHECK(on_small_stack([] { return run(sum_of(many / 3, [] { return shared_task<long>(one()); })); }) ==
        many / 3);
}

TEST_CASE("constant stack: 1,000,000 awaits that go through the run queue", "[stack]") {
  CHECK(on_small_stack([] { return run(sum_of(many / 3, one_after_a_yield)); }) == many / 3);
  CHECK(on_small_stack([] { return run(fiber_sum_of(many / 3, one_after_a_yield)); }) == many / 3);
}

TEST_CASE("constant stack: a coroutine that awaits a fiber that ends at once, 1,000,000 times", "[stack]") {
  CHECK(on_small_stack([] { return run(sum_of(many / 3, [] { return in_fiber([] { return 1L; }); })); }) ==
        many / 3);
}

TEST_CASE("constant stack: many coroutines take turns at awaits that end at once", "[stack]") {
  // Each coroutine reaches its limit of nested calls before it yields.
  CHECK(on_small_stack([] {
          loop here;
          long sum = 0;
          for (int i = 0; i < 100; ++i) {
            detach([&]() -> task<void> {
              for (int turn = 0; turn < 100; ++turn) {
                co_await yield();
                sum += co_await sum_of(100, one);
              }
            });
          }
          here.run();
          return sum;
        }) == 1'000'000);
}
