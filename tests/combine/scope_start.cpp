// scope::start: the parent waits until the child says that it is ready.

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "braid/combine/scope.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/fiber.hpp"
#include "catch.hpp"
#include "combine/operations.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("scope::start: gives the value with which the child becomes ready; the child goes on", "[scope]") {
  IN_EVERY_STYLE(style);
  bool ended = false;
  const auto child = [&](promise<int> ready) -> task<> {
    co_await yield();
    ready.set_value(8080);
    co_await yield();
    co_await yield();
    ended = true;
  };
  const auto body = [&](scope& s) -> task<int> {
    const int port = co_await s.start<int>(child);
    CHECK_FALSE(ended);
    co_return port;
  };
  CHECK(style.wait(with_scope(body)).value() == 8080);
  CHECK(ended);
}

TEST_CASE("scope::start: the child may be a capturing lambda, a fiber, or ready at once", "[scope]") {
  const std::string text = "a text that is too long for the small buffer of a string";
  const auto body = [&](scope& s) -> task<std::string> {
    auto starting = s.start<std::string>([text](promise<std::string> ready) -> task<> {
      co_await yield();
      ready.set_value(text);
      co_await yield();
    });
    std::string got = co_await std::move(starting);
    const auto fiber = [](promise<void> ready) {
      return in_fiber([ready = std::move(ready)]() mutable {
        await(yield());
        ready.set_value();
        await(yield());
      });
    };
    co_await s.start(fiber);
    const auto at_once = [](promise<void> ready) -> task<int> {
      ready.set_value();
      co_return 1;
    };
    co_await s.start(at_once);
    co_return got;
  };
  CHECK(run(with_scope(body)) == text);
}

TEST_CASE("scope::start: a child that fails before it is ready fails the wait, not the scope", "[scope]") {
  IN_EVERY_STYLE(style);
  const auto failing = [](promise<int>) -> task<> {
    co_await yield();
    throw std::runtime_error("before");
  };
  const auto refusing = [](promise<int> ready) -> task<> {
    co_await yield();
    ready.set_error(std::errc::address_in_use);
    co_await sleep_for(1h);  // it is stopped
  };
  const auto silent = [](promise<int>) -> task<> { co_await yield(); };
  const auto dropping = [](promise<int> ready) -> task<> {
    { const auto dropped = std::move(ready); }
    co_await sleep_for(1h);  // it is stopped
  };
  const auto both = [](promise<int> ready) -> task<> {
    ready.set_error(std::errc::address_in_use);
    co_await yield();
    throw std::runtime_error("too");
  };
  const auto body = [&](scope& s) -> task<int> {
    auto sibling = s.spawn(later(1));
    const auto first = co_await as_result(s.start<int>(failing));
    CHECK(first.error().message() == "before");
    const auto second = co_await as_result(s.start<int>(refusing));
    CHECK(second.error() == std::errc::address_in_use);
    const auto third = co_await as_result(s.start<int>(silent));
    CHECK(third.error() == errc::broken_promise);
    const auto fourth = co_await as_result(s.start<int>(dropping));
    CHECK(fourth.error() == errc::broken_promise);
    const auto fifth = co_await as_result(s.start<int>(both));
    CHECK(fifth.error() == std::errc::address_in_use);
    co_return co_await std::move(sibling);
  };
  CHECK(style.wait(with_scope(body)).value() == 1);
}

TEST_CASE("scope::start: a child that fails once it was ready fails the scope", "[scope]") {
  IN_EVERY_STYLE(style);
  int cancelled = 0;
  const auto child = [](promise<void> ready) -> task<> {
    ready.set_value();
    co_await yield();
    throw std::runtime_error("after");
  };
  const auto body = [&](scope& s) -> task<> {
    co_await s.start(child);
    co_await sleeps(cancelled);
  };
  const auto ended = style.wait(with_scope(body));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "after");
  CHECK(cancelled == 1);
}

TEST_CASE("scope::start: a cancelled wait stops the child and waits for its end", "[scope][stop]") {
  IN_EVERY_STYLE(style);
  int cancelled = 0;
  const auto child = [&](promise<int> ready) -> task<> {
    co_await sleeps(cancelled);
    ready.set_value(1);
  };
  const auto alone = [&](scope& s) -> task<int> {
    const auto got = co_await as_result(with_timeout(s.start<int>(child), 1ms));
    CHECK(got.error() == std::errc::timed_out);
    CHECK(cancelled == 1);
    co_return co_await s.spawn(later(2));
  };
  CHECK(style.wait(with_scope(alone)).value() == 2);
  const auto with_scope_too = [&](scope& s) -> task<> { (void)co_await s.start<int>(child); };
  CHECK(style.wait(with_timeout(with_scope(with_scope_too), 1ms)).error() == std::errc::timed_out);
  CHECK(cancelled == 2);
}

TEST_CASE("scope::start: a scope that was stopped does not begin the child", "[scope][stop]") {
  bool begun = false;
  const auto child = [&](promise<void>) -> task<> {
    begun = true;
    co_return;
  };
  const auto body = [&](scope& s) -> task<> {
    s.request_stop();
    auto waiting = as_result(shield(s.start(child)));
    const auto got = co_await std::move(waiting);
    CHECK(got.error() == std::errc::operation_canceled);
  };
  CHECK(run(as_result(with_scope(body))));
  CHECK_FALSE(begun);
}

TEST_CASE("scope::start: can be stopped at each suspension", "[scope][stop]") {
  const auto child = [](promise<int> ready) -> task<> {
    const int value = co_await later(2);
    ready.set_value(value);
    co_await later(3);
  };
  const auto body = [&](scope& s) -> task<int> { co_return co_await s.start<int>(child); };
  CHECK(every_cancellation([&]() -> task<> {
          const int value = co_await with_scope(body);
          CHECK(value == 2);
        }) > 2);
}
