#include "braid/combine/zip.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/shield.hpp"
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
async_generator<std::string> words(int count) {
  for (int n = 0; n < count; ++n) {
    co_await yield();
    co_yield std::string(20, static_cast<char>('a' + n));
  }
}

struct throws_when_moved {
  explicit throws_when_moved(int n) : number(n) {}
  throws_when_moved(throws_when_moved&& other) : number(other.number) {
    if (--moves_left == 0) throw std::runtime_error("moved");
  }
  throws_when_moved& operator=(throws_when_moved&&) = delete;
  static inline int moves_left = 0;
  int number;
};

}  // namespace

TEST_CASE("zip: gives tuples of the elements in their order, of any types", "[zip]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto pairs = zip(below(9), words(2));
  CHECK(style.wait(pairs.next()).value() == std::tuple(0, std::string(20, 'a')));
  CHECK(style.wait(pairs.next()).value() == std::tuple(1, std::string(20, 'b')));
  CHECK(style.wait(pairs.next()).value() == std::nullopt);
  const auto [number, word] = pairs.take_unpaired();
  CHECK(number == 2);
  CHECK_FALSE(word);
  CHECK(style.wait(pairs.next()).value() == std::nullopt);
  auto single = zip(below(1));
  CHECK(style.wait(single.next()).value() == std::tuple(0));
  CHECK(style.wait(single.next()).value() == std::nullopt);
}

TEST_CASE("zip: asks no range after one that has ended within the call", "[zip]") {
  loop here;
  auto other = below(5);
  CHECK(here.run(all(zip(below(2), other))).size() == 2);
  CHECK(here.run(other.next()) == 2);
}

TEST_CASE("zip: asks all ranges at once", "[zip]") {
  const sim::virtual_time clock;
  loop here;
  auto both = zip(timed_range({{10, 1}, {20, 2}}, 30), timed_range({{9, 3}, {15, 4}}, 40));
  CHECK(here.run(both.next()) == std::tuple(1, 3));
  CHECK(now_ms() == 10);
  CHECK(here.run(both.next()) == std::tuple(2, 4));
  CHECK(now_ms() == 20);
  CHECK(here.run(both.next()) == std::nullopt);
  CHECK(now_ms() == 30);  // the other range was stopped
}

TEST_CASE("zip: the end of one range stops the others and waits for them", "[zip][stop]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  bool ended = false;
  const auto slow_to_end = [&]() -> async_generator<int> {
    const auto slept = co_await as_result(sleep_for(1h));
    co_await shield(yield());
    ended = true;
    slept.value();
    co_yield 1;
  };
  SECTION("a generator") {
    auto pairs = zip(slow_to_end(), timed_range({}, 5));
    CHECK(style.wait(pairs.next()).value() == std::nullopt);
    CHECK(ended);
    CHECK(now_ms() == 5);
  }
  SECTION("a channel, which loses nothing") {
    channel<int> numbers(1);
    auto pairs = zip(numbers.elements(), timed_range({}, 5));
    CHECK(style.wait(pairs.next()).value() == std::nullopt);
    REQUIRE(numbers.try_send(1));
    CHECK(style.wait(numbers.receive()).value() == 1);
  }
  SECTION("a range whose clean-up fails is an error") {
    const auto breaks = []() -> async_generator<int> {
      (void)co_await as_result(sleep_for(1h));
      throw std::runtime_error("clean-up");
      co_yield 0;
    };
    auto pairs = zip(breaks(), timed_range({}, 5));
    CHECK(style.wait(pairs.next()).error().message() == "clean-up");
    CHECK(style.wait(pairs.next()).value() == std::nullopt);
  }
}

TEST_CASE("zip: an error of a range stops the others; the elements that were taken are left", "[zip]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  auto pairs = zip(timed_range({{1, 7}}, 99), timed_range({}, 5, "broken"), timed_range({{50, 8}}, 99));
  CHECK(style.wait(pairs.next()).error().message() == "broken");
  CHECK(now_ms() == 5);
  CHECK(pairs.take_unpaired() == std::tuple(std::optional(7), std::optional<int>(), std::optional<int>()));
  CHECK(style.wait(pairs.next()).value() == std::nullopt);
}

TEST_CASE("zip: a cancelled next keeps what it has taken for the following one", "[zip][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  channel<int> one(4), other(4);
  loop here;
  auto pairs = zip(one.elements(), other.elements());
  REQUIRE(one.try_send(1));
  for (int n = 0; n < 3; ++n) {
    stop_source stop;
    auto waiting = spawn(with_stop_token(pairs.next(), stop.get_token()));
    here.run(yield());
    stop.request_stop();
    CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
  }
  CHECK(one.empty());
  SECTION("the next one goes on") {
    REQUIRE(one.try_send(2));
    REQUIRE(other.try_send(3));
    CHECK(style.wait(pairs.next()).value() == std::tuple(1, 3));
    CHECK(one.size() == 1);
  }
  SECTION("or the program takes it") {
    CHECK(pairs.take_unpaired() == std::tuple(std::optional(1), std::optional<int>()));
    REQUIRE(one.try_send(2));
    REQUIRE(other.try_send(3));
    CHECK(style.wait(pairs.next()).value() == std::tuple(2, 3));
  }
}

TEST_CASE("zip: an element that arrives in the step of the stop request is kept", "[zip][stop]") {
  loop here;
  channel<int> one(4), other(4);
  auto pairs = zip(one.elements(), other.elements());
  stop_source stop;
  auto waiting = spawn(with_stop_token(pairs.next(), stop.get_token()));
  here.run(yield());
  REQUIRE(one.try_send(1));  // handed over: the receive completes with it
  stop.request_stop();
  CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
  REQUIRE(other.try_send(2));
  CHECK(here.run(pairs.next()) == std::tuple(1, 2));
}

TEST_CASE("zip: an exception of an element's move ends it", "[zip]") {
  loop here;
  const auto throwing = []() -> async_generator<throws_when_moved> {
    for (int n = 0; n < 3; ++n) co_yield throws_when_moved(n);
  };
  for (int moves = 1; moves < 9; ++moves) {
    throws_when_moved::moves_left = moves;
    auto pairs = zip(throwing(), below(3));
    int failed = 0;
    for (int n = 0; n < 5; ++n) failed += !here.run(as_result(pairs.next()));
    throws_when_moved::moves_left = 0;
    CHECK(failed == 1);
  }
}

TEST_CASE("zip: can be stopped at each suspension, and loses no element", "[zip][stop]") {
  every_cancellation([]() -> task<void> {
    channel<std::unique_ptr<int>> one(1), other(1);
    auto pairs = zip(one.elements(), other.elements());
    const auto send = [](channel<std::unique_ptr<int>>& to, int count) -> task<> {
      for (int n = 0; n < count; ++n) co_await to.send(std::make_unique<int>(n));
      to.close();
    };
    int got = 0;
    const auto receive = [&]() -> task<> {
      while (const auto pair = co_await pairs.next()) {
        CHECK(*std::get<0>(*pair) == got);
        CHECK(*std::get<1>(*pair) == got++);
      }
      CHECK(got == 2);
      const auto left = pairs.take_unpaired();
      CHECK(std::get<0>(left) != std::nullopt);
      one.close_now();
    };
    const auto send_more = [&]() -> task<> {
      co_await one.send(std::make_unique<int>(0));
      co_await one.send(std::make_unique<int>(1));
      co_await one.send(std::make_unique<int>(2));
    };
    co_await when_all(send_more(), send(other, 2), receive());
  });
}
