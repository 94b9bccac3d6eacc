// What docs/cancellation.md says of operations in parts (chains, promises, generators, views, merge and
// buffered), in every style.

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/buffered.hpp"
#include "braid/combine/merge.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/async_views.hpp"
#include "braid/style/shield.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Yields 0, 1 and so on; the third element takes an hour.
async_generator<int> slow_at_two(int& begun) {
  for (int n = 0;; ++n) {
    ++begun;
    co_await sleep_for(n == 2 ? loop_clock::duration(1h) : loop_clock::duration(1ms));
    co_yield n;
  }
}
async_generator<task<int>> tasks(int count, int slow) {
  for (int n = 0; n < count; ++n)
    co_yield [](int number, bool is_slow) -> task<int> {
      co_await sleep_for(is_slow ? loop_clock::duration(1h) : loop_clock::duration(1ms));
      co_return number;
    }(n, n == slow);
}

template <class Style, class Range>
result<std::optional<int>> next_of(const Style& style, Range& range) {
  return style.wait(range.next());
}
// For an element that does not arrive in time. The time is short, since some runs use the real clock.
template <class Style, class Range>
result<std::optional<int>> next_within_2ms(const Style& style, Range& range) {
  return style.wait(with_timeout(range.next(), 2ms));
}

// Every later next() fails as cancelled; none reports the end of the range.
template <class Style, class Range>
void never_ends(const Style& style, Range& range) {
  for (int again = 0; again < 3; ++again) {
    const auto later = style.wait(range.next());
    REQUIRE_FALSE(later);
    CHECK(later.error() == std::errc::operation_canceled);
  }
}

}  // namespace

TEST_CASE("cancelled in parts: after a cancellation a generator and its views keep failing",
          "[cancellation][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  int begun = 0;
  const auto check = [&](auto range, int expected_before) {
    begun = 0;
    for (int n = 0; n < expected_before; ++n) REQUIRE(next_of(style, range).value());
    const auto late = next_within_2ms(style, range);
    REQUIRE_FALSE(late);
    CHECK(late.error() == std::errc::timed_out);
    const int begun_then = begun;
    never_ends(style, range);
    CHECK(begun == begun_then);
  };
  const auto any = [](int) { return true; };
  const auto same = [](int n) { return n; };
  const auto later = [](int n) -> task<int> {
    co_await yield();
    co_return n;
  };
  const auto slow = [](int n) -> task<int> {
    if (n == 1) co_await sleep_for(1h);
    co_return n;
  };
  const auto slow_question = [](int n) -> task<bool> {
    if (n == 1) co_await sleep_for(1h);
    co_return true;
  };
  check(slow_at_two(begun), 2);
  check(slow_at_two(begun) | filter(any), 2);
  check(slow_at_two(begun) | transform(same), 2);
  check(slow_at_two(begun) | transform(later), 2);
  check(slow_at_two(begun) | take(5), 2);
  check(slow_at_two(begun) | filter(any) | transform(later) | take(5), 2);
  check(slow_at_two(begun) | transform(slow), 1);
  check(slow_at_two(begun) | filter(slow_question), 1);
  check(slow_at_two(begun) | chunk(2) | transform([](const std::vector<int>& both) { return both[1]; }), 1);
}

TEST_CASE("cancelled in parts: a cancelled view of an lvalue fails, and the range fails too",
          "[cancellation][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  int begun = 0;
  auto range = slow_at_two(begun);
  {
    auto view = take(range, 5);
    REQUIRE(next_of(style, view).value() == 0);
    REQUIRE(next_of(style, view).value() == 1);
    CHECK_FALSE(next_within_2ms(style, view));
    never_ends(style, view);
  }
  never_ends(style, range);
}

TEST_CASE("cancelled in parts: a generator that catches the cancellation goes on, but its views fail",
          "[cancellation][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  const auto patient = []() -> async_generator<int> {
    for (int n = 0; n < 3; ++n) {
      bool was_cancelled = false;
      try {
        if (n == 1) co_await sleep_for(1h);
      } catch (const std::system_error&) {
        was_cancelled = true;
      }
      co_yield was_cancelled ? -1 : n;
    }
  };
  auto range = patient();
  CHECK(next_of(style, range).value() == 0);
  CHECK(next_within_2ms(style, range).value() == -1);  // a value in spite of the stop request
  CHECK(next_of(style, range).value() == 2);
  CHECK(next_of(style, range).value() == std::nullopt);
  auto view = patient() | transform([](int n) { return n; });
  CHECK(next_of(style, view).value() == 0);
  CHECK(next_within_2ms(style, view).value() == -1);
  CHECK(next_of(style, view).value() == 2);
  CHECK(next_of(style, view).value() == std::nullopt);
}

TEST_CASE(
    "cancelled in parts: merge and buffered give the elements that still arrive, and fail if one is lost",
    "[cancellation][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  int begun = 0, other = 0;
  auto merged = merge(slow_at_two(begun), slow_at_two(other));
  for (int n = 0; n < 4; ++n) CHECK(next_of(style, merged).value());
  CHECK(next_within_2ms(style, merged).error() == std::errc::timed_out);
  never_ends(style, merged);

  auto ahead = buffered(tasks(10, 2), 3);
  CHECK(next_of(style, ahead).value() == 0);
  CHECK(next_of(style, ahead).value() == 1);
  CHECK(next_within_2ms(style, ahead).error() == std::errc::timed_out);
  never_ends(style, ahead);

  // tasks that ignore the stop request still deliver their values
  const auto deaf = [](int count) -> async_generator<task<int>> {
    for (int n = 0; n < count; ++n)
      co_yield [](int number) -> task<int> {
        co_await shield(sleep_for(20ms));
        co_return number;
      }(n);
  };
  auto kept = buffered(deaf(5), 2);
  std::vector<int> got;
  while (const auto one = next_within_2ms(style, kept).value()) got.push_back(*one);
  CHECK(got == std::vector{0, 1, 2, 3, 4});  // nothing was lost, so it goes on
}

TEST_CASE("cancelled in parts: a cancelled wait for a promise ends at once, and the later result is dropped",
          "[cancellation][stop]") {
  IN_EVERY_STYLE(style);
  const bool with_an_error = GENERATE(false, true);
  loop here;
  int reported = 0;
  here.on_unhandled_error([&](const error&) { ++reported; });
  promise<std::string> late;
  const auto ended = style.wait(with_timeout(late.get_future(), 2ms));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::timed_out);
  if (with_an_error)
    late.set_error(error(std::errc::io_error));
  else
    late.set_value("too late");
  here.run();
  CHECK(reported == 0);
}

TEST_CASE("cancelled in parts: a stopped chain ends with the result of the step that ran last",
          "[cancellation][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  const int stopped_in = GENERATE(0, 1, 2);
  const bool catches = GENERATE(false, true);
  loop here;
  std::string ran;
  stop_source stop;
  const auto step = [&](int number) {
    return [&, number]() -> task<void> {
      ran += std::to_string(number);
      if (number == stopped_in) start(sleep_for(1ms), [&](auto) { stop.request_stop(); });
      co_await sleep_for(number == stopped_in ? loop_clock::duration(1h) : loop_clock::duration(1ms));
    };
  };
  auto chain = spawn(step(0)).then(step(1)).then(step(2));
  auto whole = catches ? std::move(chain).catch_error([&](const error& why) {
    ran += why == std::errc::operation_canceled ? "c" : "?";
  })
                       : std::move(chain);
  const auto ended = style.wait(with_stop_token(std::move(whole), stop.get_token()));
  CHECK(ran == std::string("012").substr(0, static_cast<std::size_t>(stopped_in) + 1) + (catches ? "c" : ""));
  CHECK(ended.has_value() == catches);
  if (!ended) CHECK(ended.error() == std::errc::operation_canceled);
}
