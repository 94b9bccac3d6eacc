// Stop requests to a next of an async_generator.

#include "braid/style/async_generator.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/get_stop_token.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

async_generator<int> one_then_sleeps() {
  co_yield 1;
  co_await sleep_for(1h);
  co_yield 2;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE(
    "async_generator: a stop request reaches its await, and the range then never ends as complete",
    "[async_generator][stop]", every_style) {
  loop here;
  stop_source stop;
  auto elements = one_then_sleeps();
  CHECK(TestType::wait(with_stop_token(elements.next(), stop.get_token())).value() == 1);
  here.post([&] { stop.request_stop(); });
  const auto ended = TestType::wait(with_stop_token(elements.next(), stop.get_token()));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::operation_canceled);
  for (int i = 0; i < 2; ++i) {
    const auto later = TestType::wait(elements.next());
    REQUIRE_FALSE(later);
    CHECK(later.error() == std::errc::operation_canceled);
  }
}

TEST_CASE("async_generator: goes on if it catches the cancellation", "[async_generator][stop]") {
  loop here;
  auto goes_on = []() -> async_generator<int> {
    if (!co_await as_result(sleep_for(1h))) co_yield 1;
    co_yield 2;
  }();
  auto waiting = spawn(goes_on.next());
  waiting.request_stop();
  CHECK(here.run(std::move(waiting)) == 1);
  CHECK(here.run(goes_on.next()) == 2);
  CHECK(here.run(goes_on.next()) == std::nullopt);
}

TEST_CASE("async_generator: an element that arrives in spite of the stop request is not lost",
          "[async_generator][stop]") {
  loop here;
  auto steadfast = []() -> async_generator<int> {
    for (int i = 0;; ++i) {
      (void)co_await as_result(sleep_for(1h));
      co_yield i;
    }
  }();
  for (int i = 0; i < 2; ++i) {
    auto waiting = spawn(steadfast.next());
    waiting.request_stop();
    CHECK(here.run(std::move(waiting)) == i);
  }
}

TEST_CASE("async_generator: each next has its own stop token", "[async_generator][stop]") {
  loop here;
  auto asks = []() -> async_generator<bool> {
    for (;;) {
      const stop_token token = co_await get_stop_token();
      co_yield token.stop_requested();
    }
  }();
  {
    stop_source stopped;
    stopped.request_stop();
    CHECK(here.run(with_stop_token(asks.next(), stopped.get_token())) == true);
  }
  stop_source fresh;
  CHECK(here.run(with_stop_token(asks.next(), fresh.get_token())) == false);
  CHECK(here.run(asks.next()) == false);
}
