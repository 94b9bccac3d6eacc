#include "braid/combine/debounce.hpp"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/sync/channel.hpp"
#include "catch.hpp"
#include "combine/streams.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using arrivals = std::vector<arrival>;

TEST_CASE("debounce: gives an element once none has followed for the time", "[debounce]") {
  const sim::virtual_time clock;
  loop here;
  CHECK(here.run(all_timed(timed_range({{1, 1}, {3, 2}, {4, 3}, {20, 4}, {25, 5}}, 90) | debounce(5ms))) ==
        arrivals{{9, 3}, {25, 4}, {30, 5}});
}

TEST_CASE("debounce: the last element is given at the end, at once, and before an error", "[debounce]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  SECTION("the end") {
    auto quiet = debounce(timed_range({{1, 1}, {3, 2}}, 4), 1h);
    CHECK(style.wait(quiet.next()).value() == 2);
    CHECK(now_ms() == 4);
    CHECK(style.wait(quiet.next()).value() == std::nullopt);
    CHECK(now_ms() == 4);
  }
  SECTION("an error") {
    auto quiet = debounce(timed_range({{1, 1}, {3, 2}}, 4, "broken"), 1h);
    CHECK(style.wait(quiet.next()).value() == 2);
    CHECK(style.wait(quiet.next()).error().message() == "broken");
    CHECK(style.wait(quiet.next()).value() == std::nullopt);
  }
  SECTION("no element at all") {
    auto quiet = debounce(timed_range({}, 4), 1h);
    CHECK(style.wait(quiet.next()).value() == std::nullopt);
  }
}

TEST_CASE("debounce: without time every element is given", "[debounce]") {
  const sim::virtual_time clock;
  loop here;
  CHECK(here.run(all_timed(timed_range({{1, 1}, {2, 2}}, 3) | debounce(0ms))) == arrivals{{1, 1}, {2, 2}});
  CHECK(here.run(all_timed(timed_range({{5, 1}, {6, 2}}, 9) | debounce(-1ms))) == arrivals{{5, 1}, {6, 2}});
  const auto at_once = []() -> async_generator<int> {
    for (int n = 0; n < 5; ++n) co_yield n;
  };
  CHECK(here.run(all(at_once() | debounce(5ms))) == std::vector{4});
}

TEST_CASE("debounce: while an element waits to be taken, at most one more is asked for", "[debounce]") {
  const sim::virtual_time clock;
  loop here;
  channel<int> typed(8);
  auto quiet = typed.elements() | debounce(5ms);
  auto waiting = spawn(quiet.next());
  REQUIRE(typed.try_send(1));
  CHECK(here.run(std::move(waiting)) == 1);
  REQUIRE(typed.try_send(2));
  here.run(sleep_for(10ms));  // 2 is ready now
  for (int n = 3; n < 6; ++n) REQUIRE(typed.try_send(n));
  here.run(sleep_for(100ms));
  CHECK(typed.size() == 2);
  typed.close();
  CHECK(here.run(quiet.next()) == 2);
  CHECK(here.run(quiet.next()) == 5);
  CHECK(here.run(quiet.next()) == std::nullopt);
}

TEST_CASE("debounce: after a cancelled next the element and its time stay", "[debounce][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  channel<int> typed(8);
  auto quiet = typed.elements() | debounce(10ms);
  REQUIRE(typed.try_send(1));
  stop_source stop;
  auto waiting = spawn(with_stop_token(quiet.next(), stop.get_token()));
  here.run(sleep_for(4ms));
  stop.request_stop();
  CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
  SECTION("for a next at once") {
    CHECK(style.wait(quiet.next()).value() == 1);
    CHECK(now_ms() == 10);
  }
  SECTION("for a later next, which gets it without a wait") {
    here.run(sleep_for(50ms));
    CHECK(style.wait(quiet.next()).value() == 1);
    CHECK(now_ms() == 54);
  }
}
