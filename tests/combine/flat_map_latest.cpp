#include "braid/combine/flat_map_latest.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/merge.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/async_views.hpp"
#include "braid/style/shield.hpp"
#include "braid/sync/channel.hpp"
#include "catch.hpp"
#include "combine/streams.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using arrivals = std::vector<arrival>;

namespace {

// Elements at n + 1, n + 2, … milliseconds. Its end takes 3 ms when it is stopped.
struct inner_ranges {
  std::vector<std::string> log;
  async_generator<int> operator()(int n) {
    log.push_back("begin " + std::to_string(n));
    struct mark {
      std::vector<std::string>& log;
      int n;
      ~mark() { log.push_back("end " + std::to_string(n)); }
    } const at_end{log, n};
    for (int i = 1; i <= 3; ++i) {
      const auto slept = co_await as_result(sleep_for(1ms));
      if (!slept) co_await shield(sleep_for(3ms));
      slept.value();
      co_yield 10 * n + i;
    }
  }
};

}  // namespace

TEST_CASE("flat_map_latest: a newer element stops the inner range, and waits for its end",
          "[flat_map_latest]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  inner_ranges inner;
  auto latest =
      timed_range({{10, 1}, {12, 2}, {30, 3}}, 31) | flat_map_latest([&](int n) { return inner(n); });
  arrivals got;
  while (const auto each = style.wait(latest.next()).value()) got.push_back({now_ms(), *each});
  // At 12 the second element of 1 is due, and the outer range's timer is older.
  CHECK(got == arrivals{{11, 11}, {16, 21}, {17, 22}, {18, 23}, {31, 31}, {32, 32}, {33, 33}});
  CHECK(inner.log == std::vector<std::string>{"begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"});
}

TEST_CASE("flat_map_latest: of the elements that arrive while a range is being stopped the newest counts",
          "[flat_map_latest]") {
  const sim::virtual_time clock;
  loop here;
  inner_ranges inner;
  const auto got = here.run(all_timed(timed_range({{10, 1}, {11, 2}, {12, 3}, {13, 4}}, 20) |
                                      flat_map_latest([&](int n) { return inner(n); })));
  CHECK(got == arrivals{{15, 41}, {16, 42}, {17, 43}});
  CHECK(inner.log == std::vector<std::string>{"begin 1", "end 1", "begin 4", "end 4"});
}

TEST_CASE("flat_map_latest: closes a range that runs between two next before it begins another",
          "[flat_map_latest]") {
  const sim::virtual_time clock;
  loop here;
  int running = 0;
  const auto slow_to_end = [&]() -> async_generator<int> {
    ++running;
    const auto slept = co_await as_result(sleep_for(1h));
    co_await shield(sleep_for(5ms));
    --running;
    slept.value();
    co_yield 0;
  };
  const auto one_now = [](int n) -> async_generator<int> { co_yield n; };
  const auto inner = [&](int n) {
    CHECK(running == 0);
    return merge(one_now(n), slow_to_end());
  };
  CHECK(here.run(all_timed(timed_range({{10, 1}, {20, 2}}, 21) | flat_map_latest(inner) | take(2))) ==
        arrivals{{10, 1}, {25, 2}});
}

TEST_CASE("flat_map_latest: errors of the ranges and of the function end it once", "[flat_map_latest]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  inner_ranges inner;
  const auto expect = [&](auto range, const char* message) {
    auto next = style.wait(range.next());
    while (next && *next) next = style.wait(range.next());
    REQUIRE_FALSE(next);
    CHECK(next.error().message() == message);
    CHECK(style.wait(range.next()).value() == std::nullopt);
  };
  SECTION("the outer range") {
    expect(timed_range({{10, 1}}, 12, "outer") | flat_map_latest([&](int n) { return inner(n); }), "outer");
    CHECK(inner.log == std::vector<std::string>{"begin 1", "end 1"});
  }
  SECTION("the inner range") {
    expect(timed_range({{10, 1}}, 99) | flat_map_latest([](int) { return timed_range({}, 12, "inner"); }),
           "inner");
    CHECK(now_ms() == 12);
  }
  SECTION("the function") {
    const auto fails = [](int) -> timed_range { throw std::runtime_error("function"); };
    expect(timed_range({{10, 1}}, 99) | flat_map_latest(fails), "function");
  }
  SECTION("the clean-up of a range that was replaced") {
    const auto breaks = [](int) -> async_generator<int> {
      (void)co_await as_result(sleep_for(1h));
      throw std::runtime_error("clean-up");
      co_yield 0;
    };
    expect(timed_range({{10, 1}, {11, 2}}, 99) | flat_map_latest(breaks), "clean-up");
  }
}

TEST_CASE("flat_map_latest: a cancelled next loses nothing of channels", "[flat_map_latest][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  channel<int> which(4), one(4), other(4);
  loop here;
  auto latest =
      which.elements() | flat_map_latest([&](int n) { return n == 0 ? one.elements() : other.elements(); });
  const auto cancel_a_next = [&] {
    stop_source stop;
    auto waiting = spawn(with_stop_token(latest.next(), stop.get_token()));
    here.run(yield());
    stop.request_stop();
    return here.run(as_result(std::move(waiting)));
  };
  REQUIRE(which.try_send(0));
  CHECK(cancel_a_next().error() == std::errc::operation_canceled);
  REQUIRE(one.try_send(1));
  CHECK(style.wait(latest.next()).value() == 1);
  REQUIRE(which.try_send(1));
  CHECK(cancel_a_next().error() == std::errc::operation_canceled);
  REQUIRE(one.try_send(2));
  REQUIRE(other.try_send(3));
  CHECK(style.wait(latest.next()).value() == 3);
  CHECK(one.size() == 1);
  which.close();
  other.close();
  CHECK(style.wait(latest.next()).value() == std::nullopt);
}

TEST_CASE("flat_map_latest: can be stopped at each suspension", "[flat_map_latest][stop]") {
  const auto each_of = [](int n) -> async_generator<int> {
    for (int i = 0; i < n; ++i) {
      co_await yield();
      co_yield i;
    }
  };
  CHECK(every_cancellation([&] { return all(each_of(4) | flat_map_latest(each_of)); }) >= 4);
  CHECK(every_cancellation([&]() -> task<void> {
          auto closed = each_of(3) | flat_map_latest([&](int n) { return merge(each_of(n), each_of(n)); });
          co_await closed.next();
          co_await closed.close();
        }) >= 2);
}
