// What every stream operator that runs ahead, or has a timer, must do.

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/combine_latest.hpp"
#include "braid/combine/debounce.hpp"
#include "braid/combine/flat_map.hpp"
#include "braid/combine/flat_map_latest.hpp"
#include "braid/combine/throttle.hpp"
#include "braid/combine/timeout.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/zip.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/promise.hpp"
#include "catch.hpp"
#include "combine/streams.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

async_generator<int> ticks(int count) {
  for (int n = 0; n < count; ++n) {
    co_await sleep_for(2ms);
    co_yield n;
  }
}
async_generator<int> fails_after(int count) {
  for (int n = 0; n < count; ++n) {
    co_await sleep_for(2ms);
    co_yield n;
  }
  throw std::runtime_error("broken");
}
// Counts the generators of its kind that run, and ends slowly when it is stopped.
async_generator<int> watched(int& running) {
  struct mark {
    int& of;
    explicit mark(int& counts) : of(counts) { ++of; }
    mark(const mark&) = delete;
    mark& operator=(const mark&) = delete;
    ~mark() { --of; }
  };
  const mark here(running);
  const auto slept = co_await as_result(sleep_for(1h));
  co_await yield();
  slept.value();
  co_yield 0;
}
async_generator<int> waits_for(future<int> later, std::shared_ptr<int> held) {
  co_yield *held;
  co_yield co_await std::move(later);
}

// Calls f(name, make), where make(range) is the operator over it, for each operator of one range.
template <class F>
void for_each_operator(F f) {
  f("debounce", [](auto&& range) { return debounce(std::forward<decltype(range)>(range), 1ms); });
  f("throttle", [](auto&& range) { return throttle(std::forward<decltype(range)>(range), 1ms); });
  f("throttle trailing", [](auto&& range) {
    return throttle(std::forward<decltype(range)>(range), 1ms, throttle_edge::trailing);
  });
  f("throttle both",
    [](auto&& range) { return throttle(std::forward<decltype(range)>(range), 1ms, throttle_edge::both); });
  f("timeout", [](auto&& range) { return timeout(std::forward<decltype(range)>(range), 3h); });
  f("zip", [](auto&& range) { return zip(std::forward<decltype(range)>(range)); });
  f("combine_latest", [](auto&& range) { return combine_latest(std::forward<decltype(range)>(range)); });
  f("flat_map", [](auto&& range) {
    return flat_map(std::forward<decltype(range)>(range), [](int) { return ticks(1); }, 2);
  });
  f("flat_map_latest", [](auto&& range) {
    return flat_map_latest(std::forward<decltype(range)>(range), [](int) { return ticks(1); });
  });
}

}  // namespace

TEST_CASE("streams: each operator gives elements, and then nothing, in every style", "[streams]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  for_each_operator([&](const char* name, auto make) {
    CAPTURE(name);
    loop here;
    auto range = make(ticks(3));
    std::size_t seen = 0;
    while (style.wait(range.next()).value()) ++seen;
    CHECK(seen >= 1);
    CHECK(seen <= 3);
    CHECK_FALSE(style.wait(range.next()).value());
  });
}

TEST_CASE("streams: an error of the range arrives once, after the elements; then comes the end",
          "[streams]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  for_each_operator([&](const char* name, auto make) {
    CAPTURE(name);
    loop here;
    auto range = make(fails_after(2));
    auto next = style.wait(range.next());
    while (next && *next) next = style.wait(range.next());
    REQUIRE_FALSE(next);
    CHECK(next.error().message() == "broken");
    for (int n = 0; n < 2; ++n) CHECK_FALSE(style.wait(range.next()).value());
  });
}

TEST_CASE("streams: a cancelled next stops the range and waits for it; a generator does not go on",
          "[streams][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  const sim::virtual_time clock;
  for_each_operator([&](const char* name, auto make) {
    CAPTURE(name);
    loop here;
    int running = 0;
    auto range = make(watched(running));
    stop_source stop;
    auto waiting = spawn(with_stop_token(range.next(), stop.get_token()));
    here.run(yield());
    CHECK(running == 1);
    stop.request_stop();
    CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
    CHECK(running == 0);
    for (int n = 0; n < 2; ++n) CHECK(style.wait(range.next()).error() == std::errc::operation_canceled);
  });
}

TEST_CASE("streams: a second next in flight is a logic_error, and so is one without a loop", "[streams]") {
  const sim::virtual_time clock;
  for_each_operator([&](const char* name, auto make) {
    CAPTURE(name);
    loop here;
    auto range = make(ticks(2));
    auto waiting = spawn(range.next());
    CHECK_THROWS_AS(here.run(range.next()), std::logic_error);
    CHECK(here.run(std::move(waiting)));
    auto moved = std::move(range);
    CHECK_THROWS_AS(range.next(), std::logic_error);
  });
}

TEST_CASE("streams: destroyed early, they stop what is in flight", "[streams][stop]") {
  const sim::virtual_time clock;
  for_each_operator([&](const char* name, auto make) {
    CAPTURE(name);
    loop here;
    int running = 0;
    {
      auto unbegun = make(watched(running));
      CHECK(running == 0);
    }
    std::optional range(make(watched(running)));
    stop_source stop;
    auto waiting = spawn(with_stop_token(range->next(), stop.get_token()));
    here.run(yield());
    range.reset();
    stop.request_stop();
    CHECK_FALSE(here.run(as_result(std::move(waiting))));
    here.run();
    CHECK(running == 0);
  });
}

TEST_CASE("streams: the loop's end abandons them, whoever owns them", "[streams]") {
  for_each_operator([&](const char* name, auto make) {
    for (const bool in_flight : {false, true}) {
      CAPTURE(name, in_flight);
      auto held = std::make_shared<int>(1);
      const std::weak_ptr<int> watch = held;
      promise<int> unsettled;
      std::optional range(make(waits_for(unsettled.get_future(), std::move(held))));
      {
        loop here;
        if (in_flight) {
          auto dropped = spawn(range->next());
          here.run(yield());
        }
      }
      range.reset();
      CHECK(watch.expired());
    }
  });
}

TEST_CASE("streams: an element costs no allocation once they are warm", "[streams][allocation]") {
  if (!counts_allocations) return;
  const sim::virtual_time clock;
  for_each_operator([&](const char* name, auto make) {
    CAPTURE(name);
    loop here;
    auto endless = make(ticks(1'000'000));
    const auto some = [&]() -> task<void> {
      for (int n = 0; n < 100; ++n) co_await endless.next();
    };
    here.run(some);
    const allocation_count count;
    here.run(some);
    const std::size_t made = count.made();
    CHECK(made == 0);
  });
}

TEST_CASE("streams: each operator can be stopped, and its loop can end, at each suspension",
          "[streams][stop]") {
  for_each_operator([&](const char* name, auto make) {
    CAPTURE(name);
    CHECK(every_cancellation([&]() -> task<void> {
            auto range = make(ticks(2));
            while (co_await range.next()) {}
          }) >= 2);
    CHECK(every_cancellation([&]() -> task<void> {
            auto left = make(ticks(3));
            co_await left.next();
          }) >= 1);
  });
}
