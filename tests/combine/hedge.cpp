#include "braid/combine/hedge.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "every_allocation.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

error named(const std::string& name) { return std::make_exception_ptr(std::runtime_error(name)); }

// Attempts that the test ends through promises; counts how many of them run.
struct attempts {
  std::vector<promise<int>> promises;
  int begun = 0, running = 0;

  explicit attempts(std::size_t count) : promises(count) {}
  task<int> next() {
    struct here {
      int& count;
      explicit here(int& c) : count(++c) {}
      ~here() { --count; }
    } const counted(running);
    co_return co_await promises.at(static_cast<std::size_t>(begun++)).get_future();
  }
  auto make() {
    return [this] { return next(); };
  }
};

void turn(loop& here) {
  for (int n = 0; n < 5; ++n) here.run(yield());
}

}  // namespace

TEST_CASE("hedge: a second attempt wins when the first one is slow", "[hedge]") {
  IN_EVERY_STYLE(style);
  int begun = 0, cancelled = 0;
  const auto slow_once = [&]() -> task<std::unique_ptr<int>> {
    const int mine = ++begun;
    if (mine == 1) cancelled += !co_await as_result(sleep_for(24h));
    co_return std::make_unique<int>(mine);
  };
  const auto ended = style.wait(hedge(slow_once, 1us));
  REQUIRE(ended);
  CHECK(**ended == 2);
  CHECK(begun == 2);
  CHECK(cancelled == 1);
}

TEST_CASE("hedge: an attempt that ends in time is the only one", "[hedge]") {
  IN_EVERY_STYLE(style);
  int begun = 0;
  const auto quick = [&]() -> task<> {
    ++begun;
    co_await yield();
  };
  CHECK(style.wait(hedge(quick, 24h)));
  CHECK(style.wait(hedge<5>(quick, std::chrono::hours::max())));
  CHECK(begun == 2);
  CHECK(style.wait(hedge([] { return just(7); }, 0ns)).value() == 7);
}

TEST_CASE("hedge: an early error begins the next attempt at once", "[hedge]") {
  int begun = 0;
  const auto fails_twice = [&] {
    return ++begun < 3 ? just_error<int>(std::errc::connection_refused)
                       : just_error<int>(std::errc::timed_out);
  };
  const auto ended = run(as_result(hedge<3>(fails_twice, 24h)));
  CHECK(ended == std::errc::connection_refused);
  REQUIRE(ended.error().suppressed().size() == 2);
  CHECK(ended.error().suppressed()[0] == std::errc::connection_refused);
  CHECK(ended.error().suppressed()[1] == std::errc::timed_out);
  CHECK(begun == 3);
}

TEST_CASE("hedge: if all fail, the first error keeps the other, without waiting for the timer", "[hedge]") {
  loop here;
  attempts two(2);
  auto hedged = spawn(hedge(two.make(), 24h));
  two.promises[0].set_error(named("first"));
  turn(here);
  CHECK(two.begun == 2);
  two.promises[1].set_error(named("second"));
  const auto ended = here.run(as_result(std::move(hedged)));
  CHECK(ended.error().message() == "first");
  REQUIRE(ended.error().suppressed().size() == 1);
  CHECK(ended.error().suppressed()[0].message() == "second");
}

TEST_CASE("hedge: the first value wins, from any attempt and after any failure", "[hedge]") {
  loop here;
  for (const std::size_t winner : {0U, 1U, 2U})
    for (const bool others_fail : {false, true}) {
      attempts three(3);
      auto hedged = spawn(hedge<3>(three.make(), 1ns));
      while (three.begun < 3) here.run(sleep_for(1us));
      CHECK(three.running == 3);
      for (std::size_t n = 0; n < 3; ++n)
        if (others_fail && n != winner) three.promises[n].set_error(named("loser"));
      turn(here);
      three.promises[winner].set_value(static_cast<int>(winner));
      CHECK(here.run(std::move(hedged)) == static_cast<int>(winner));
      CHECK(three.running == 0);
    }
}

TEST_CASE("hedge: waits for a loser that ignores the stop request", "[hedge][stop]") {
  loop here;
  int begun = 0;
  promise<void> let_go;
  auto end = let_go.get_future();
  bool left = false;
  const auto stubborn_once = [&]() -> task<int> {
    if (++begun == 1) {
      co_await shield(std::move(end));
      left = true;
    }
    co_return begun;
  };
  auto hedged = spawn(hedge(stubborn_once, 0ns));
  here.run(sleep_for(1us));
  turn(here);
  CHECK(begun == 2);
  CHECK_FALSE(hedged.is_ready());
  let_go.set_value();
  CHECK(here.run(std::move(hedged)) == 2);
  CHECK(left);
}

TEST_CASE("hedge: an exception from the factory is a failed attempt", "[hedge]") {
  int calls = 0;
  const auto throws_once = [&] {
    if (++calls == 1) throw std::runtime_error("no sender");
    return just(calls);
  };
  CHECK(run(hedge(throws_once, 24h)) == 2);
}

TEST_CASE("hedge: keeps the factory and its captures as long as an attempt", "[hedge]") {
  const std::string text(100, 'x');
  const auto ended = run(hedge(
      [text]() -> task<std::string> {
        co_await sleep_for(1us);
        co_return text;
      },
      0ns));
  CHECK(ended == text);
}

TEST_CASE("hedge: an attempt may give a reference", "[hedge]") {
  int target = 3;
  CHECK(&run(hedge([&]() -> task<int&> { co_return target; }, 24h)) == &target);
}

TEST_CASE("hedge: a stop request and a deadline end all attempts", "[hedge][stop]") {
  loop here;
  attempts two(2);
  auto hedged = spawn(hedge(two.make(), 1ns));
  while (two.begun < 2) here.run(sleep_for(1us));
  hedged.request_stop();
  CHECK(here.run(as_result(std::move(hedged))) == std::errc::operation_canceled);
  CHECK(two.running == 0);
  CHECK(here.run(as_result(with_timeout(hedge([] { return sleep_for(24h); }, 1ns), 1us))) ==
        std::errc::timed_out);
}

TEST_CASE("hedge: allocates nothing", "[hedge][allocation]") {
  loop here;
  const auto naps = [] { return sleep_for(1us); };
  here.run(hedge<3>(naps, 0ns));
  const allocation_count count;
  for (int n = 0; n < 100; ++n) here.run(hedge<3>(naps, 0ns));
  const std::size_t made = count.made();
  CHECK(made == 0);
}

TEST_CASE("hedge: can be stopped at each suspension", "[hedge][stop]") {
  CHECK(every_cancellation([]() -> task<> {
          int begun = 0;
          const auto slow_once = [&]() -> task<int> {
            const int mine = ++begun;
            if (mine == 1) co_await sleep_for(24h);
            for (int n = 0; n < 3; ++n) co_await yield();
            co_return mine;
          };
          const int won = co_await hedge(slow_once, 1us);
          if (memory_lasts()) CHECK(won == 2);
        }) > 3);
  CHECK(every_cancellation(
            []() -> task<> {
              int begun = 0;
              const auto third = [&]() -> task<int> {
                co_await yield();
                if (++begun < 3) named("early").rethrow();
                co_return begun;
              };
              co_await hedge<3>(third, 24h);
            },
            may_fail::with_anything) > 3);
}

TEST_CASE("hedge: a stop from outside cancels it, and its error keeps the earlier failure", "[hedge][stop]") {
  loop here;
  int begun = 0;
  const auto attempt = [&]() -> task<> {
    if (begun++ == 0) throw std::runtime_error("the first");
    co_await sleep_for(24h);
  };
  auto hedged = spawn(hedge<3>(attempt, 12h));
  for (int turns = 0; turns < 5; ++turns) here.run(yield());
  CHECK(begun == 2);
  hedged.request_stop();
  const auto ended = here.run(as_result(std::move(hedged)));
  CHECK(ended.error() == std::errc::operation_canceled);
  REQUIRE(ended.error().suppressed().size() == 1);
  CHECK(ended.error().suppressed()[0].message() == "the first");
}

TEST_CASE("hedge: an attempt that the loop's end cancels begins no other", "[hedge]") {
  int begun = 0;
  {
    loop here;
    const auto waiting = spawn(hedge<3>([&] { return ++begun, sleep_for(1h); }, 1h));
    here.run(yield());
  }
  CHECK(begun == 1);
}
