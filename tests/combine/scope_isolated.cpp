// scope::spawn_isolated: a child whose failure is for its future.

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "braid/combine/scope.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "catch.hpp"
#include "combine/operations.hpp"
#include "combine/recording_loop.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("scope::spawn_isolated: a failure that the parent handles does not stop the siblings", "[scope]") {
  IN_EVERY_STYLE(style);
  recording_loop here;
  const auto body = [](scope& s) -> task<int> {
    auto sibling = s.spawn(later(2));
    auto failing = s.spawn_isolated(fails("handled"));
    auto working = s.spawn_isolated(later(3));
    const auto got = co_await as_result(std::move(failing));
    CHECK(got.error().message() == "handled");
    const int two = co_await std::move(sibling);
    const int three = co_await std::move(working);
    co_return two + three;
  };
  CHECK(style.wait(with_scope(body)).value() == 5);
  here.run();
  CHECK(here.reported.empty());
}

TEST_CASE("scope::spawn_isolated: a failure that nothing looks at fails the scope", "[scope]") {
  IN_EVERY_STYLE(style);
  recording_loop here;
  int cancelled = 0;
  const auto dropped_first = [&](scope& s) -> task<> {
    s.spawn([&] { return sleeps(cancelled); });
    s.spawn_isolated(fails("dropped before its end"));
    co_await sleeps(cancelled);
  };
  auto ended = style.wait(with_scope(dropped_first));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "dropped before its end");
  CHECK(cancelled == 2);
  const auto dropped_later = [&](scope& s) -> task<> {
    s.spawn([&] { return sleeps(cancelled); });
    {
      const auto kept = s.spawn_isolated(fails("dropped after its end"));
      while (!kept.is_ready()) co_await yield();
    }
    co_await sleeps(cancelled);
  };
  ended = style.wait(with_scope(dropped_later));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "dropped after its end");
  CHECK(cancelled == 4);
  here.run();
  CHECK(here.reported.empty());
}

TEST_CASE("scope::spawn_isolated: a failure that the function passes on counts once", "[scope]") {
  const auto body = [](scope& s) -> task<> { (void)co_await s.spawn_isolated(fails("once")); };
  const auto ended = run(as_result(with_scope(body)));
  CHECK(ended.error().message() == "once");
  CHECK(ended.error().suppressed().empty());
}

TEST_CASE(
    "scope::spawn_isolated: a failure that is dropped after the scope's end, or on another thread, is "
    "reported",
    "[scope]") {
  recording_loop here;
  std::optional<future<int>> kept;
  CHECK(here.run(as_result(with_scope([&](scope& s) { kept.emplace(s.spawn_isolated(fails("after"))); }))));
  kept.reset();
  here.run();
  CHECK(here.reported == std::vector<std::string>{"after"});
  const auto body = [](scope& s) -> task<> {
    auto failing = s.spawn_isolated(fails("elsewhere"));
    while (!failing.is_ready()) co_await yield();
    std::thread([dropped = std::move(failing)]() mutable { auto end = std::move(dropped); }).join();
  };
  CHECK(here.run(as_result(with_scope(body))));
  here.run();
  CHECK(here.reported == std::vector<std::string>{"after", "elsewhere"});
}

TEST_CASE("scope::spawn_isolated: the failure of a chain goes to the last future", "[scope][future]") {
  IN_EVERY_STYLE(style);
  recording_loop here;
  const auto handled = [](scope& s) -> task<int> {
    auto caught =
        s.spawn_isolated(fails("child")).then([](int n) { return n; }).catch_error([](const error&) {
          return 1;
        });
    auto passed = s.spawn_isolated(fails("skips a step")).then([](int n) { return n; });
    auto thrown = s.spawn_isolated(later(0)).then([](int) -> int { throw std::runtime_error("step"); });
    const auto first = co_await as_result(std::move(passed));
    const auto second = co_await as_result(std::move(thrown));
    CHECK(first.error().message() == "skips a step");
    CHECK(second.error().message() == "step");
    co_return co_await std::move(caught);
  };
  CHECK(style.wait(with_scope(handled)).value() == 1);
  int cancelled = 0;
  const auto dropped = [&](scope& s) -> task<> {
    (void)s.spawn_isolated(fails("dropped")).then([](int) {});
    co_await sleeps(cancelled);
  };
  auto ended = style.wait(with_scope(dropped));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "dropped");
  const auto dropped_step = [&](scope& s) -> task<> {
    (void)s.spawn_isolated(later(1)).then([](int) { return fails("dropped step"); });
    co_await sleeps(cancelled);
  };
  ended = style.wait(with_scope(dropped_step));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "dropped step");
  CHECK(cancelled == 2);
  here.run();
  CHECK(here.reported.empty());
}

TEST_CASE("scope::spawn_isolated: stops with its scope, or alone by its future", "[scope][stop]") {
  IN_EVERY_STYLE(style);
  int cancelled = 0;
  const auto with_it = [&](scope& s) -> task<> {
    auto child = s.spawn_isolated([&] { return sleeps(cancelled); });
    co_await std::move(child);
  };
  CHECK(style.wait(with_timeout(with_scope(with_it), 1ms)).error() == std::errc::timed_out);
  CHECK(cancelled == 1);
  const auto alone = [&](scope& s) -> task<int> {
    auto child = s.spawn_isolated([&] { return sleeps(cancelled); });
    auto other = s.spawn(later(7));
    child.request_stop();
    co_return co_await std::move(other);  // drops the child's future: a cancellation is no failure
  };
  CHECK(style.wait(with_scope(alone)).value() == 7);
  CHECK(cancelled == 2);
  const auto refused = [&](scope& s) -> task<> {
    s.request_stop();
    const auto got = co_await as_result(s.spawn_isolated(later(1)));
    CHECK(got.error() == std::errc::operation_canceled);
  };
  CHECK(style.wait(with_scope(refused)));
}

TEST_CASE("scope::spawn_isolated: can be stopped at each suspension", "[scope][stop]") {
  const auto body = [](scope& s) -> task<int> {
    auto one = s.spawn_isolated(later(1));
    auto two = s.spawn_isolated(later(1)).then([](int n) { return later(n + 1); });
    s.spawn_isolated(later(3));
    const int first = co_await std::move(one);
    const int second = co_await std::move(two);
    co_return first + second;
  };
  CHECK(every_cancellation([&]() -> task<> {
          const int sum = co_await with_scope(body);
          CHECK(sum == 3);
        }) > 2);
}
