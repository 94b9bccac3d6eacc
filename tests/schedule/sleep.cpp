#include "braid/schedule/sleep.hpp"

#include <chrono>
#include <limits>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::recorded;
using duration = loop_clock::duration;
using instant = loop_clock::time_point;

TEST_CASE("sleep_for: never ends early", "[schedule][sleep]") {
  loop home;
  const auto begun = loop_clock::now();
  home.run(sleep_for(2ms));
  CHECK(loop_clock::now() - begun >= 2ms);
}

TEST_CASE("sleep_for: the time counts from its start, not from its construction", "[schedule][sleep]") {
  loop home;
  auto op = sleep_for(2ms);
  home.run(sleep_for(3ms));
  const auto begun = loop_clock::now();
  home.run(std::move(op));
  CHECK(loop_clock::now() - begun >= 2ms);
}

TEST_CASE("sleep: a zero or negative time ends at the next turn, never within start", "[schedule][sleep]") {
  loop home;
  const duration none = GENERATE(duration(0), duration(-1), duration::min());
  recorded op(sleep_for(none));
  op.start();
  CHECK_FALSE(op.done());
  for (int turns = 0; turns < 3 && !op.done(); ++turns) home.turn(false);
  REQUIRE(op.done());
  CHECK(op.result().has_value());
}

TEST_CASE("sleep_until: a past instant ends at the next turn", "[schedule][sleep]") {
  loop home;
  const instant past = GENERATE(instant::min(), instant(), loop_clock::now());
  recorded op(sleep_until(past));
  op.start();
  CHECK_FALSE(op.done());
  for (int turns = 0; turns < 3 && !op.done(); ++turns) home.turn(false);
  CHECK(op.done());
}

TEST_CASE("sleep: the longest duration waits and can be stopped", "[schedule][sleep]") {
  loop home;
  stop_source source;
  recorded longest(sleep_for(duration::max()), source.get_token());
  recorded last(sleep_until(instant::max()), source.get_token());
  longest.start();
  last.start();
  home.run(sleep_for(1us));  // the loop waits with them in its queue
  CHECK_FALSE(longest.done());
  CHECK_FALSE(last.done());
  source.request_stop();
  home.run();
  CHECK(longest.result().error() == std::errc::operation_canceled);
  CHECK(last.result().error() == std::errc::operation_canceled);
  CHECK(longest.result().error().call() == "sleep");
}

TEST_CASE("sleep: a duration beyond the clock's longest waits and can be stopped", "[schedule][sleep]") {
  using real_seconds = std::chrono::duration<double>;
  using coarse = std::chrono::time_point<loop_clock, std::chrono::hours>;
  loop home;
  stop_source source;
  recorded hours(sleep_for(std::chrono::hours::max()), source.get_token());
  recorded infinite(sleep_for(real_seconds(std::numeric_limits<double>::infinity())), source.get_token());
  recorded last(sleep_until(coarse::max()), source.get_token());
  hours.start();
  infinite.start();
  last.start();
  for (int turns = 0; turns < 3; ++turns) home.turn(false);
  CHECK_FALSE((hours.done() || infinite.done() || last.done()));
  source.request_stop();
  home.run();
  CHECK(hours.result().error() == std::errc::operation_canceled);
  CHECK(infinite.result().error() == std::errc::operation_canceled);
  CHECK(last.result().error() == std::errc::operation_canceled);
}

TEST_CASE("sleep: the most negative duration, or one that is not a number, ends at the next turn",
          "[schedule][sleep]") {
  using real_seconds = std::chrono::duration<double>;
  using coarse = std::chrono::time_point<loop_clock, std::chrono::hours>;
  loop home;
  recorded hours(sleep_for(std::chrono::hours::min()));
  recorded infinite(sleep_for(real_seconds(-std::numeric_limits<double>::infinity())));
  recorded no_number(sleep_for(real_seconds(std::numeric_limits<double>::quiet_NaN())));
  recorded first(sleep_until(coarse::min()));
  hours.start();
  infinite.start();
  no_number.start();
  first.start();
  const auto all = [&] { return hours.done() && infinite.done() && no_number.done() && first.done(); };
  for (int turns = 0; turns < 3 && !all(); ++turns) home.turn(false);
  REQUIRE(all());
  CHECK((hours.result() && infinite.result() && no_number.result() && first.result()));
}

TEST_CASE("sleep: the sender has one type for all units", "[schedule][sleep]") {
  using sleep = decltype(sleep_for(1ns));
  STATIC_REQUIRE(std::is_same_v<decltype(sleep_for(1h)), sleep>);
  STATIC_REQUIRE(std::is_same_v<decltype(sleep_for(std::chrono::duration<float>(1))), sleep>);
  constexpr std::chrono::duration<float> second(1);
  STATIC_REQUIRE(noexcept(sleep_for(second)));
}

TEST_CASE("sleep: sleeps end in the order of their deadlines, equal ones in the order of start",
          "[schedule][sleep]") {
  loop home;
  const auto base = loop_clock::now();
  std::vector<int> order;
  const auto add = [&](int id, duration after) {
    start(sleep_until(base + after), [&order, id](result<void> ended) {
      if (ended) order.push_back(id);
    });
  };
  add(5, 3ms);
  add(1, 1ms);
  add(3, 2ms);
  add(4, 2ms);
  add(2, 1ms);
  home.run();
  CHECK(order == std::vector{1, 2, 3, 4, 5});
}

TEST_CASE("sleep: a stop request ends it as cancelled and leaves others alone", "[schedule][sleep]") {
  loop home;
  stop_source source;
  recorded stopped(sleep_for(1h), source.get_token());
  recorded other(sleep_for(1ms));
  stopped.start();
  other.start();
  source.request_stop();
  CHECK_FALSE(stopped.done());
  home.run();
  CHECK(stopped.heard.times == 1);
  CHECK(stopped.result().error() == std::errc::operation_canceled);
  CHECK(other.result().has_value());
}

TEST_CASE("sleep: ends as cancelled if stop was requested before its start", "[schedule][sleep]") {
  loop home;
  stop_source source;
  source.request_stop();
  recorded op(sleep_for(1h), source.get_token());
  op.start();
  home.run();
  REQUIRE(op.heard.times == 1);
  CHECK(op.result().error() == std::errc::operation_canceled);
}

TEST_CASE("sleep: a stop request from another thread wakes the loop", "[schedule][sleep][threads]") {
  for (int round = 0; round < 200; ++round) {
    loop home;
    stop_source source;
    recorded op(sleep_for(1h), source.get_token());
    op.start();
    std::thread other([&] { source.request_stop(); });
    home.run();
    other.join();
    REQUIRE(op.heard.times == 1);
    REQUIRE(op.result().error() == std::errc::operation_canceled);
  }
}

TEST_CASE("sleep: stop requests from another thread race with the deadline", "[schedule][sleep][threads]") {
  loop home;
  int ended = 0;
  for (int round = 0; round < 500; ++round) {
    stop_source source;
    recorded op(sleep_for(std::chrono::microseconds(round % 50)), source.get_token());
    std::thread other([&] { source.request_stop(); });
    op.start();
    while (!op.done()) home.turn(true);
    other.join();
    home.run();
    ended += op.heard.times;
  }
  CHECK(ended == 500);
}

TEST_CASE("sleep: ten thousand sleeps at once all end", "[schedule][sleep]") {
  loop home({.entries = 8});
  int ended = 0;
  for (int n = 0; n < 10'000; ++n)
    start(sleep_for(std::chrono::microseconds(n % 100)), [&](result<void> r) { ended += r.has_value(); });
  home.run();
  CHECK(ended == 10'000);
}

TEST_CASE("sleep: costs neither requests nor allocations", "[schedule][sleep]") {
  loop home;
  int ended = 0;
  const auto some = [&] {
    for (int n = 0; n < 100; ++n) start(sleep_for(0ns), [&](result<void>) { ++ended; });
    const std::size_t requests = home.in_flight();
    home.run();
    return requests;
  };
  CHECK(some() == 0);
  if (!braid_tests::counts_allocations) return;
  const braid_tests::allocation_count count;
  some();
  const std::size_t made = count.made();
  CHECK(made == 0);
  CHECK(ended == 200);
}

}  // namespace
