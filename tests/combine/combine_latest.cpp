#include "braid/combine/combine_latest.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/stop_requested.hpp"
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

namespace {

using pairs = std::vector<std::tuple<int, int>>;

}  // namespace

TEST_CASE("combine_latest: a tuple for each element, once every range has given one", "[combine_latest]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  auto both = combine_latest(timed_range({{1, 1}, {2, 2}, {5, 3}}, 9), timed_range({{3, 10}, {6, 20}}, 7));
  for (const auto& expected : {std::tuple(2, 10), std::tuple(3, 10), std::tuple(3, 20)})
    CHECK(style.wait(both.next()).value() == expected);
  CHECK(style.wait(both.next()).value() == std::nullopt);
  CHECK(now_ms() == 9);
}

TEST_CASE("combine_latest: two elements of one step make two tuples", "[combine_latest]") {
  const sim::virtual_time clock;
  loop here;
  const auto got =
      here.run(all(combine_latest(timed_range({{1, 1}, {4, 2}}, 9), timed_range({{1, 10}, {4, 20}}, 9))));
  CHECK(got == pairs{{1, 10}, {2, 10}, {2, 20}});
}

TEST_CASE("combine_latest: a slow consumer misses no element after the first tuple", "[combine_latest]") {
  const sim::virtual_time clock;
  loop here;
  auto both = combine_latest(timed_range({{1, 1}, {2, 2}, {3, 3}}, 4), timed_range({{1, 10}, {2, 20}}, 4));
  pairs got;
  here.run([&]() -> task<> {
    while (const auto each = co_await both.next()) {
      got.push_back(*each);
      co_await sleep_for(10ms);
    }
  });
  CHECK(got == pairs{{1, 10}, {2, 10}, {2, 20}, {3, 20}});
}

TEST_CASE("combine_latest: ends with the first range that has no element at all", "[combine_latest]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  auto both = combine_latest(timed_range({{1, 1}, {20, 2}}, 99), timed_range({}, 5));
  CHECK(style.wait(both.next()).value() == std::nullopt);
  CHECK(now_ms() == 5);
  CHECK(style.wait(both.next()).value() == std::nullopt);
}

TEST_CASE("combine_latest: an endless range that waits for another one leaves the loop to others",
          "[combine_latest]") {
  loop here;
  const auto endless = []() -> async_generator<int> {
    for (int n = 0;; ++n) co_yield n;
  };
  channel<int> other(1);
  auto both = combine_latest(endless(), other.elements());
  const auto sends = [&]() -> task<> {
    for (int n = 0; n < 10; ++n) co_await yield();
    co_await other.send(7);
    co_await stop_requested();
  };
  const auto first = here.run(when_any(both.next(), sends()));
  REQUIRE(first.index == 0);
  const auto& got = std::get<0>(first.value);
  CHECK(std::get<0>(*got) > 100);
  CHECK(std::get<1>(*got) == 7);
}

TEST_CASE("combine_latest: an error follows the tuples of the elements before it", "[combine_latest]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  auto both = combine_latest(timed_range({{1, 1}, {2, 2}}, 3, "broken"), timed_range({{1, 10}}, 99));
  CHECK(style.wait(both.next()).value() == std::tuple(1, 10));
  here.run(sleep_for(10ms));  // 2 arrives; what follows is not asked for
  CHECK(style.wait(both.next()).value() == std::tuple(2, 10));
  CHECK(style.wait(both.next()).error().message() == "broken");
  CHECK(style.wait(both.next()).value() == std::nullopt);
}

TEST_CASE("combine_latest: a cancelled next loses nothing", "[combine_latest][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  channel<int> one(4), other(4);
  loop here;
  auto both = combine_latest(one.elements(), other.elements());
  const auto cancel_a_next = [&] {
    stop_source stop;
    auto waiting = spawn(with_stop_token(both.next(), stop.get_token()));
    here.run(yield());
    stop.request_stop();
    return here.run(as_result(std::move(waiting)));
  };
  REQUIRE(one.try_send(1));
  CHECK(cancel_a_next().error() == std::errc::operation_canceled);
  REQUIRE(other.try_send(10));
  CHECK(style.wait(both.next()).value() == std::tuple(1, 10));
  CHECK(cancel_a_next().error() == std::errc::operation_canceled);
  REQUIRE(other.try_send(20));
  REQUIRE(one.try_send(2));
  CHECK(style.wait(both.next()).value().has_value());
  CHECK(style.wait(both.next()).value() == std::tuple(2, 20));
}
