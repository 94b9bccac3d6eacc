#include "braid/combine/throttle.hpp"

#include <chrono>
#include <optional>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/sync/channel.hpp"
#include "catch.hpp"
#include "combine/streams.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using arrivals = std::vector<arrival>;

namespace {

timed_range states() { return timed_range({{1, 1}, {2, 2}, {5, 3}, {12, 4}, {30, 5}}, 50); }

}  // namespace

TEST_CASE("throttle: the edges say which element of each period is given", "[throttle]") {
  const sim::virtual_time clock;
  loop here;
  SECTION("leading") {
    CHECK(here.run(all_timed(states() | throttle(10ms))) == arrivals{{1, 1}, {12, 4}, {30, 5}});
  }
  SECTION("trailing") {
    CHECK(here.run(all_timed(states() | throttle(10ms, throttle_edge::trailing))) ==
          arrivals{{11, 3}, {21, 4}, {31, 5}});
  }
  SECTION("both") {
    CHECK(here.run(all_timed(states() | throttle(10ms, throttle_edge::both))) ==
          arrivals{{1, 1}, {11, 3}, {21, 4}, {31, 5}});
  }
  SECTION("no time drops nothing") {
    CHECK(here.run(all(states() | throttle(0ms))) == std::vector{1, 2, 3, 4, 5});
  }
}

TEST_CASE("throttle: an element that waits for its time is given at the end, and before an error",
          "[throttle]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  const auto edge = GENERATE(throttle_edge::trailing, throttle_edge::both);
  loop here;
  auto ends = throttle(timed_range({{1, 1}, {2, 2}}, 4), 1h, edge);
  if (edge == throttle_edge::both) CHECK(style.wait(ends.next()).value() == 1);
  CHECK(style.wait(ends.next()).value() == 2);
  CHECK(now_ms() == 4);
  CHECK(style.wait(ends.next()).value() == std::nullopt);
  auto fails = throttle(timed_range({{5, 1}, {6, 2}}, 7, "broken"), 1h, edge);
  if (edge == throttle_edge::both) CHECK(style.wait(fails.next()).value() == 1);
  CHECK(style.wait(fails.next()).value() == 2);
  CHECK(style.wait(fails.next()).error().message() == "broken");
  CHECK(style.wait(fails.next()).value() == std::nullopt);
}

TEST_CASE("throttle: after a cancelled next an element that waits for its time stays", "[throttle][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  channel<int> from(8);
  auto slow = from.elements() | throttle(10ms, throttle_edge::trailing);
  REQUIRE(from.try_send(1));
  REQUIRE(from.try_send(2));
  stop_source stop;
  auto waiting = spawn(with_stop_token(slow.next(), stop.get_token()));
  here.run(sleep_for(4ms));
  stop.request_stop();
  CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
  REQUIRE(from.try_send(3));
  CHECK(style.wait(slow.next()).value() == 3);
  CHECK(now_ms() == 10);
}
