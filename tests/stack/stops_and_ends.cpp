#include <chrono>
#include <vector>

#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/fiber.hpp"
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
using namespace std::chrono_literals;

namespace {

constexpr long nested = sanitized ? 5'000 : 20'000;

enum class level { task, scope, child, join, timed, token, shared, future };

// A sleep under that many levels of one kind. Each level passes a stop request on to the next.
task<> sleeps_under(long left, level kind) {
  if (left == 0) {
    co_await sleep_for(1h);
    co_return;
  }
  switch (kind) {
    case level::task: co_await sleeps_under(left - 1, kind); break;
    case level::scope: co_await with_scope([=](scope&) { return sleeps_under(left - 1, kind); }); break;
    case level::child:
      co_await with_scope([=](scope& within) { within.spawn(sleeps_under(left - 1, kind)); });
      break;
    case level::join: co_await when_all(sleeps_under(left - 1, kind)); break;
    case level::timed: co_await with_timeout(sleeps_under(left - 1, kind), 1h); break;
    case level::token: {
      stop_source never;
      co_await with_stop_token(sleeps_under(left - 1, kind), never.get_token());
      break;
    }
    case level::shared: co_await shared_task<>(sleeps_under(left - 1, kind)); break;
    case level::future: co_await spawn(sleeps_under(left - 1, kind)); break;
  }
}

bool ends_as_cancelled(long levels, level kind) {
  loop here;
  auto asleep = spawn(as_result(sleeps_under(levels, kind)));
  for (int turns = 0; turns < 3; ++turns) here.run(yield());
  asleep.request_stop();
  return here.run(std::move(asleep)).error() == std::errc::operation_canceled;
}

constexpr level every_level[] = {level::task,  level::scope, level::child,  level::join,
                                 level::timed, level::token, level::shared, level::future};

// Records its number when it is destroyed.
struct counted {
  counted(std::vector<long>& all, long mine) : ends(all), number(mine) {}
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { ends.push_back(number); }
  std::vector<long>& ends;
  const long number;
};

task<> waits_under(long left, future<void>& never, std::vector<long>& ends) {
  const counted local(ends, left);
  if (left == 0)
    co_await std::move(never);
  else
    co_await waits_under(left - 1, never, ends);
}

task<> holds(task<> inner) { co_await std::move(inner); }

task<> held(long levels) {
  task<> outermost = sleeps_under(0, level::task);
  for (long i = 0; i < levels; ++i) outermost = holds(std::move(outermost));
  return outermost;
}

async_generator<int> generator_over(async_generator<int> inner) {
  while (auto each = co_await inner.next()) co_yield *each;
}
async_generator<int> one_and_sleep() {
  co_yield 1;
  co_await sleep_for(1h);
}

}  // namespace

TEST_CASE("constant stack: a stop request goes through 20,000 nested operations of each kind", "[stack]") {
  for (const level kind : every_level) {
    CAPTURE(static_cast<int>(kind));
    CHECK(on_small_stack([&] { return ends_as_cancelled(nested, kind); }));
  }
}

TEST_CASE("constant stack: a fiber requests a stop of 20,000 nested scopes", "[stack]") {
  loop_options small;
  small.fiber_stack_bytes = 64 << 10;
  loop here(small);
  const bool cancelled = here.run(in_fiber([] {
    auto asleep = spawn(as_result(sleeps_under(nested, level::scope)));
    for (int turns = 0; turns < 3; ++turns) await(yield());
    asleep.request_stop();
    return await(std::move(asleep)).error() == std::errc::operation_canceled;
  }));
  CHECK(cancelled);
}

TEST_CASE("constant stack: a stop request goes up a chain of 20,000 futures", "[stack]") {
  CHECK(on_small_stack([] {
    loop here;
    future<void> last = spawn(sleep_for(1h));
    for (long i = 0; i < nested; ++i) last = std::move(last).then([] {});
    last.request_stop();
    return here.run(as_result(std::move(last))).error() == std::errc::operation_canceled;
  }));
}

TEST_CASE("constant stack: 20,000 nested waiting operations are destroyed with their loop", "[stack]") {
  for (const level kind : every_level) {
    CAPTURE(static_cast<int>(kind));
    CHECK(on_small_stack([&] {
      loop here;
      detach(sleeps_under(nested, kind));
      here.run(yield());
      return true;
    }));
  }
}

TEST_CASE("constant stack: 20,000 nested tasks that are never resumed are destroyed, the innermost first",
          "[stack]") {
  std::vector<long> ends;
  promise<void> kept;
  future<void> never = kept.get_future();
  CHECK(on_small_stack([&] {
    loop here;
    detach(waits_under(nested, never, ends));
    here.run(yield());
    return ends.empty();
  }));
  REQUIRE(ends.size() == nested + 1);
  for (long i = 0; i <= nested; ++i)
    if (ends[static_cast<std::size_t>(i)] != i) FAIL("level " << i << " ended out of turn");
}

TEST_CASE("constant stack: 20,000 nested tasks that never began are destroyed", "[stack]") {
  CHECK(on_small_stack([] { return (void)held(nested), true; }));
}

TEST_CASE("constant stack: 20,000 nested generators are destroyed half-way", "[stack]") {
  CHECK(on_small_stack([] {
    loop here;
    async_generator<int> outermost = one_and_sleep();
    for (long i = 0; i < nested; ++i) outermost = generator_over(std::move(outermost));
    const bool first = here.run(outermost.next()) == 1;
    detach(outermost.next());
    here.run(yield());
    return first;
  }));
}
