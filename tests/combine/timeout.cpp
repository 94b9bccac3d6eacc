#include "braid/combine/timeout.hpp"

#include <chrono>
#include <optional>
#include <system_error>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/shield.hpp"
#include "braid/sync/channel.hpp"
#include "catch.hpp"
#include "combine/streams.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("timeout: fails once if an element takes too long, and then ends", "[timeout]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  auto timely = timed_range({{4, 1}, {8, 2}, {14, 3}}, 20) | timeout(5ms);
  CHECK(style.wait(timely.next()).value() == 1);
  CHECK(style.wait(timely.next()).value() == 2);
  CHECK(style.wait(timely.next()).error() == std::errc::timed_out);
  CHECK(now_ms() == 13);
  CHECK(style.wait(timely.next()).value() == std::nullopt);
}

TEST_CASE("timeout: counts from each next, so a slow consumer does no harm", "[timeout]") {
  const sim::virtual_time clock;
  loop here;
  auto timely = timeout(timed_range({{4, 1}, {8, 2}}, 9), 5ms);
  CHECK(here.run(timely.next()) == 1);
  here.run(sleep_for(1h));
  CHECK(here.run(timely.next()) == 2);
  here.run(sleep_for(1h));
  CHECK(here.run(timely.next()) == std::nullopt);
}

TEST_CASE("timeout: takes no element when it fails, and gives one that arrives all the same", "[timeout]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  channel<int> numbers(1);
  auto timely = numbers.elements() | timeout(5ms);
  CHECK(style.wait(timely.next()).error() == std::errc::timed_out);
  REQUIRE(numbers.try_send(1));
  CHECK(numbers.try_receive() == 1);
  const auto stubborn = []() -> async_generator<int> {
    co_await shield(sleep_for(20ms));
    co_yield 7;
  };
  auto patient = stubborn() | timeout(5ms);
  CHECK(style.wait(patient.next()).value() == 7);
}

TEST_CASE("timeout: a cancelled next is no time-out, and the following one goes on", "[timeout][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  channel<int> numbers(1);
  auto timely = numbers.elements() | timeout(5ms);
  stop_source stop;
  auto waiting = spawn(with_stop_token(timely.next(), stop.get_token()));
  here.run(sleep_for(2ms));
  stop.request_stop();
  CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
  REQUIRE(numbers.try_send(1));
  CHECK(style.wait(timely.next()).value() == 1);
}
