// Chains on the children of a scope.

#include "braid/combine/detail/scope_chain.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/scope.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "combine/operations.hpp"
#include "combine/recording_loop.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("scope chain: the scope waits for the chain", "[scope][future]") {
  IN_EVERY_STYLE(style);
  int steps = 0;
  const auto pending = [&](scope& s) {
    (void)s.spawn(yield()).then([] { return sleep_for(1us); }).then([&] { ++steps; });
  };
  CHECK(style.wait(with_scope(pending)));
  CHECK(steps == 1);
  const auto settled = [&](scope& s) -> task<> {
    auto child = s.spawn(just(1));
    co_await yield();
    auto link = std::move(child).then([](int) {});
    while (!link.is_ready()) co_await yield();
    (void)std::move(link).then([] { return yield(); }).finally([&] { ++steps; });
  };
  CHECK(style.wait(with_scope(settled)));
  CHECK(steps == 2);
  const auto as_future = [&](scope& s) {
    future<void> sliced = s.spawn(yield());
    (void)std::move(sliced).then([&] { ++steps; });
  };
  CHECK(style.wait(with_scope(as_future)));
  CHECK(steps == 3);
}

TEST_CASE("scope chain: an error is reported once, by the scope", "[scope][future]") {
  IN_EVERY_STYLE(style);
  recording_loop here;
  const auto child_fails = [](scope& s) { (void)s.spawn(fails("child")).then([](int) {}).then([] {}); };
  auto ended = style.wait(with_scope(child_fails));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "child");
  CHECK(ended.error().suppressed().empty());
  const auto step_throws = [](scope& s) {
    s.spawn(sleep_for(1h));
    (void)s.spawn(yield()).then([] { throw std::runtime_error("step"); }).then([] {});
  };
  ended = style.wait(with_scope(step_throws));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "step");
  CHECK(ended.error().suppressed().empty());
  const auto step_fails = [](scope& s) -> task<int> {
    co_return co_await s.spawn(yield()).then([] { return fails("later"); });
  };
  const auto got = style.wait(with_scope(step_fails));
  REQUIRE_FALSE(got);
  CHECK(got.error().message() == "later");
  CHECK(got.error().suppressed().empty());
  here.run();
  CHECK(here.reported.empty());
}

TEST_CASE("scope chain: stopping the scope stops a step's operation, and reports nothing",
          "[scope][future][stop]") {
  recording_loop here;
  bool begun = false;
  const auto body = [&](scope& s) -> task<> {
    (void)s.spawn(yield()).then([&] {
      begun = true;
      return sleep_for(1h);
    });
    while (!begun) co_await yield();
    s.request_stop();
  };
  CHECK(here.run(as_result(with_scope(body))));
  stop_source stop;
  event never;  // not sleep_for: virtual time would not wait for the other thread
  const auto waits = [&](scope& s) { (void)s.spawn(yield()).then([&] { return never.wait(); }); };
  std::thread elsewhere([&] { stop.request_stop(); });
  CHECK(here.run(as_result(with_stop_token(with_scope(waits), stop.get_token()))) ==
        std::errc::operation_canceled);
  elsewhere.join();
  CHECK(here.reported.empty());
}

TEST_CASE("scope chain: after the scope's end a chain runs like any other, without the scope's error",
          "[scope][future]") {
  recording_loop here;
  std::optional<future<int>> kept, failed;
  const auto body = [&](scope& s) {
    kept.emplace(s.spawn(later(1)));
    failed.emplace(s.spawn(fails("child")));
  };
  CHECK_FALSE(here.run(as_result(with_scope(body))));
  int got = 0;
  (void)std::move(*kept).then([&](int n) { got = n; });
  (void)std::move(*failed).then([](int) {});
  here.run();
  CHECK(here.reported.empty());
  std::optional<future<int>> thrower;
  CHECK(here.run(as_result(with_scope([&](scope& s) { thrower.emplace(s.spawn(later(1))); }))));
  (void)std::move(*thrower).then([](int) { throw std::runtime_error("step"); });
  here.run();
  CHECK(here.reported == std::vector<std::string>{"step"});
}

TEST_CASE("scope chain: the scope waits for a chain on a child that it did not begin",
          "[scope][future][stop]") {
  loop here;
  bool caught = false;
  const auto body = [&](scope& s) {
    s.request_stop();
    (void)s.spawn(yield()).catch_error(
        [&](const error& why) { caught = why == std::errc::operation_canceled; });
  };
  CHECK(here.run(as_result(with_scope(body))));
  CHECK(caught);
}

TEST_CASE("scope chain: the loop's end destroys a chain in every state", "[scope][future][ending]") {
  for (int turns = 0; turns < 4; ++turns) {
    promise<void> never;
    std::vector<std::string> reported;
    std::optional<loop> here(std::in_place);
    here->on_unhandled_error([&](const error& why) { reported.push_back(why.message()); });
    detach(with_scope([&](scope& s) {
      (void)s.spawn(never.get_future()).then([] {});
      auto unkept = std::make_shared<promise<void>>();
      (void)s.spawn(yield()).then([unkept] { return unkept->get_future(); }).then([unkept] {});
    }));
    for (int i = 0; i < turns; ++i) here->turn(false);
    here.reset();
    CHECK(reported.empty());
  }
}
