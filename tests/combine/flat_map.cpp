#include "braid/combine/flat_map.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/async_views.hpp"
#include "braid/sync/channel.hpp"
#include "catch.hpp"
#include "combine/streams.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

async_generator<int> below(int end) {
  for (int n = 0; n < end; ++n) co_yield n;
}
async_generator<int> each_of(int n) {
  for (int i = 0; i < n; ++i) {
    co_await yield();
    co_yield 10 * n + i;
  }
}

}  // namespace

TEST_CASE("flat_map: gives the elements of all inner ranges, as they arrive", "[flat_map]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  const auto inner = [](int n) { return timed_range({{now_ms() + n, n}, {now_ms() + 2 * n, -n}}, 90); };
  auto flat = timed_range({{1, 10}, {2, 3}}, 4) | flat_map(inner);
  for (const int expected : {3, -3, 10, -10}) CHECK(style.wait(flat.next()).value() == expected);
  CHECK(style.wait(flat.next()).value() == std::nullopt);
}

TEST_CASE("flat_map: runs no more inner ranges at once than its limit", "[flat_map]") {
  loop here;
  for (const std::size_t limit : {1, 2, 5}) {
    int running = 0, most = 0;
    const auto inner = [&](int) -> async_generator<int> {
      most = std::max(most, ++running);
      co_await yield();
      co_yield 1;
      --running;
    };
    CHECK(here.run(all(flat_map(below(20), inner, limit))).size() == 20);
    CHECK(most == static_cast<int>(limit));
    CHECK(running == 0);
  }
  CHECK_THROWS_AS(flat_map(below(1), each_of, 0), std::invalid_argument);
  CHECK(here.run(all(below(4) | flat_map(each_of, 1))) == std::vector{10, 20, 21, 30, 31, 32});
}

TEST_CASE("flat_map: many inner ranges without elements leave the loop to others", "[flat_map]") {
  loop here;
  const auto endless = []() -> async_generator<int> {
    for (;;) co_yield 1;
  };
  auto flat = endless() | flat_map([](int) { return below(0); });
  const auto turns = []() -> task<> {
    for (int n = 0; n < 5; ++n) co_await yield();
  };
  CHECK(here.run(when_any(flat.next(), turns())).index == 1);
}

TEST_CASE("flat_map: an element lives as long as the inner range that was made of it", "[flat_map]") {
  loop here;
  const auto letters = [](std::string&& word) -> async_generator<char> {
    for (const char each : word) {
      co_await yield();
      co_yield each;
    }
  };
  const auto words = []() -> async_generator<std::string> {
    co_yield "a first word that is long enough for the heap";
    co_yield "another one that is long enough for the heap";
  };
  CHECK(here.run(all(words() | flat_map(letters))).size() == 45 + 44);
}

TEST_CASE("flat_map: an error of a range or of the function stops the others", "[flat_map]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  int ended = 0;
  const auto inner = [&](int n) -> async_generator<int> {
    struct count {
      int& of;
      ~count() { ++of; }
    } const at_end{ended};
    co_yield n;
    if (n == 1) throw std::runtime_error("inner");
    co_await sleep_for(1h);
  };
  SECTION("an inner range") {
    auto flat = below(2) | flat_map(inner);
    CHECK(style.wait(flat.next()).value() == 0);
    CHECK(style.wait(flat.next()).value() == 1);
    CHECK(style.wait(flat.next()).error().message() == "inner");
    CHECK(ended == 2);
    CHECK(style.wait(flat.next()).value() == std::nullopt);
  }
  SECTION("the outer range") {
    auto flat = timed_range({{1, 5}}, 3, "outer") | flat_map(inner);
    CHECK(style.wait(flat.next()).value() == 5);
    CHECK(style.wait(flat.next()).error().message() == "outer");
    CHECK(ended == 1);
  }
  SECTION("the function") {
    auto flat = below(3) | flat_map([&](int n) {
                  if (n == 2) throw std::runtime_error("function");
                  return inner(2 * n);
                });
    CHECK(style.wait(flat.next()).value() == 0);
    CHECK(style.wait(flat.next()).value() == 2);
    CHECK(style.wait(flat.next()).error().message() == "function");
  }
}

TEST_CASE("flat_map: a cancelled next loses nothing of channels", "[flat_map][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  channel<int> which(4), one(4), other(4);
  loop here;
  auto flat = which.elements() | flat_map([&](int n) { return n == 0 ? one.elements() : other.elements(); });
  const auto cancel_a_next = [&] {
    stop_source stop;
    auto waiting = spawn(with_stop_token(flat.next(), stop.get_token()));
    here.run(yield());
    stop.request_stop();
    return here.run(as_result(std::move(waiting)));
  };
  REQUIRE(which.try_send(0));
  CHECK(cancel_a_next().error() == std::errc::operation_canceled);
  REQUIRE(which.try_send(1));
  CHECK(cancel_a_next().error() == std::errc::operation_canceled);
  CHECK(which.empty());
  REQUIRE(other.try_send(1));
  CHECK(style.wait(flat.next()).value() == 1);
  REQUIRE(one.try_send(2));
  CHECK(style.wait(flat.next()).value() == 2);
  for (auto* each : {&which, &one, &other}) each->close();
  CHECK(style.wait(flat.next()).value() == std::nullopt);
}

TEST_CASE("flat_map: an inner range costs no allocation but its own", "[flat_map][allocation]") {
  if (!counts_allocations) return;
  loop here;
  const auto endless = []() -> async_generator<int> {
    for (;;) co_yield 3;
  };
  auto flat = endless() | flat_map(each_of, 4);
  const auto some = [&]() -> task<void> {
    for (int n = 0; n < 100; ++n) co_await flat.next();
  };
  here.run(some);
  const allocation_count count;
  here.run(some);
  const std::size_t made = count.made();
  CHECK(made == 0);
}

TEST_CASE("flat_map: can be stopped at each suspension", "[flat_map][stop]") {
  CHECK(every_cancellation(
            [] { return all(each_of(3) | flat_map([](int n) { return each_of(n % 10); }, 2)); }) >= 3);
  CHECK(every_cancellation([]() -> task<void> {
          auto closed = each_of(3) | flat_map(each_of, 2);
          co_await closed.next();
          co_await closed.close();
        }) >= 2);
}
