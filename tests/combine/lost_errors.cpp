// No error is lost: an error of a clean-up goes before every cancellation, and a cancellation is silent only
// if stop was requested of the operation.

#include <chrono>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "braid/combine/buffered.hpp"
#include "braid/combine/finally.hpp"
#include "braid/combine/first_ok.hpp"
#include "braid/combine/for_each_concurrent.hpp"
#include "braid/combine/hedge.hpp"
#include "braid/combine/map_concurrent.hpp"
#include "braid/combine/merge.hpp"
#include "braid/combine/retry.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/shared_task.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "combine/operations.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

task<> flush() {
  co_await yield();
  throw std::runtime_error("flush");
}
// Waits until it is stopped; then its clean-up fails.
auto guarded() { return finally(sleep_for(1h), flush); }
task<> guarded_task() { co_await guarded(); }

// A cancellation that was not requested.
task<> aborted() {
  co_await yield();
  throw std::system_error(std::make_error_code(std::errc::operation_canceled), "the server aborted it");
}

template <class T>
std::string failure_of(const result<T>& ended) {
  return ended ? "none" : ended.error().message();
}

// Awaits op, and requests stop from outside in a later turn.
template <class Style, class S>
auto stopped(Style style, loop& here, S&& op) {
  stop_source stop;
  here.post([&] { stop.request_stop(); });
  return style.wait(with_stop_token(std::forward<S>(op), stop.get_token()));
}

// The messages of the errors that are unhandled while f, and all that it began, runs.
template <class F>
std::vector<std::string> reported_by(F f) {
  std::vector<std::string> reported;
  loop here;
  here.on_unhandled_error([&](const error& why) { reported.push_back(why.message()); });
  f(here);
  here.run();
  return reported;
}

async_generator<int> one_then_guarded(int value) {
  co_yield value;
  co_await guarded();
}
async_generator<task<>> guarded_tasks() {
  for (;;) co_yield guarded_task();
}

}  // namespace

TEST_CASE("lost errors: a clean-up error replaces the cancellation of a scope", "[lost_errors][scope]") {
  IN_EVERY_STYLE(style);
  loop here;
  const auto by_request = [](scope& s) -> task<> {
    s.spawn(guarded());
    co_await yield();
    s.request_stop();
  };
  CHECK(failure_of(style.wait(with_scope(by_request))) == "flush");
  const auto by_future = [](scope& s) -> task<> {
    auto child = s.spawn(guarded());
    co_await yield();
    child.request_stop();
  };
  CHECK(failure_of(style.wait(with_scope(by_future))) == "flush");
  const auto with_another = [](scope& s) {
    s.spawn(sleep_for(1h));
    s.spawn(guarded());
  };
  CHECK(failure_of(stopped(style, here, with_scope(with_another))) == "flush");
  const auto itself = [](scope&) { return guarded(); };
  CHECK(failure_of(stopped(style, here, with_scope(itself))) == "flush");
}

TEST_CASE("lost errors: a clean-up error replaces the cancellation of a join", "[lost_errors]") {
  IN_EVERY_STYLE(style);
  loop here;
  CHECK(failure_of(stopped(style, here, guarded())) == "flush");
  CHECK(failure_of(stopped(style, here, when_all(sleep_for(1h), guarded()))) == "flush");
  CHECK(failure_of(stopped(style, here, when_any(sleep_for(1h), guarded()))) == "flush");
  CHECK(failure_of(stopped(style, here, first_ok(sleep_for(1h), guarded()))) == "flush");
  const auto results = stopped(style, here, when_all_settled(sleep_for(1h), guarded()));
  REQUIRE(results);
  CHECK(failure_of(std::get<1>(*results)) == "flush");

  const auto all = style.wait(when_all(guarded(), fails("first")));
  REQUIRE(failure_of(all) == "first");
  REQUIRE(all.error().suppressed().size() == 1);
  CHECK(all.error().suppressed()[0].message() == "flush");
}

TEST_CASE("lost errors: a loser's clean-up error is the error of the race", "[lost_errors]") {
  IN_EVERY_STYLE(style);
  loop here;
  CHECK(failure_of(style.wait(when_any(guarded(), yield()))) == "flush");
  CHECK(failure_of(style.wait(first_ok(guarded(), yield()))) == "flush");
  int attempts = 0;
  const auto attempt = [&] {
    const bool is_first = attempts++ == 0;
    return finally(sleep_for(is_first ? 1h : 0h), [is_first]() -> task<> {
      if (is_first) co_await flush();
    });
  };
  CHECK(failure_of(style.wait(hedge(attempt, 1us))) == "flush");
  CHECK(attempts == 2);

  const auto failed = style.wait(when_any(guarded_task(), fails("first")));
  REQUIRE(failure_of(failed) == "first");
  REQUIRE(failed.error().suppressed().size() == 1);
  CHECK(failed.error().suppressed()[0].message() == "flush");
}

TEST_CASE("lost errors: any other error of a loser leaves the winner's value", "[lost_errors]") {
  IN_EVERY_STYLE(style);
  const auto fails_when_stopped = []() -> task<> {
    (void)co_await as_result(sleep_for(1h));
    throw std::runtime_error("too late");
  };
  CHECK(style.wait(when_any(fails_when_stopped, yield())).value().index == 1);
  CHECK(style.wait(first_ok(fails_when_stopped, yield())).value().index == 1);
}

TEST_CASE("lost errors: a clean-up error replaces cancellations and time-outs of every other combinator",
          "[lost_errors][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  CHECK(failure_of(style.wait(with_timeout(guarded(), 1us))) == "flush");
  CHECK(failure_of(style.wait(with_timeout(with_timeout(guarded(), 1h), 1us))) == "flush");
  const retry_policy three{.attempts = 3, .base = 1us};
  CHECK(failure_of(stopped(style, here, retry(three, guarded))) == "flush");
  CHECK(failure_of(style.wait(with_timeout(retry(three, guarded), 1us))) == "flush");
  const auto one_is_guarded = [](int i) -> task<> {
    if (i == 2) co_await guarded();
    co_await sleep_for(1h);
  };
  CHECK(failure_of(stopped(style, here, for_each_concurrent(std::vector{1, 2}, 2, one_is_guarded))) ==
        "flush");
  CHECK(failure_of(stopped(style, here, map_concurrent_settled(std::views::iota(1), 2, one_is_guarded))) ==
        "flush");
  const auto settled = stopped(style, here, map_concurrent_settled(std::vector{1, 2}, 3, one_is_guarded));
  REQUIRE(settled);
  CHECK(failure_of(settled->at(1)) == "flush");
  shared_task<> shared = guarded_task();
  CHECK(failure_of(stopped(style, here, shared)) == "flush");
}

TEST_CASE("lost errors: the clean-up error of a range that is closed, destroyed or stopped is not lost",
          "[lost_errors]") {
  const auto begun = [](loop& here) {
    auto both = merge(one_then_guarded(1), one_then_guarded(2));
    here.run(both.next());
    here.run(both.next());
    return both;
  };
  CHECK(reported_by([&](loop& here) {
          auto closed = begun(here);
          auto waiting = spawn(as_result(closed.next()));
          waiting.request_stop();
          CHECK(failure_of(here.run(std::move(waiting))) == "flush");
        }).empty());
  CHECK(reported_by([&](loop& here) {
          auto closed = buffered(guarded_tasks(), 2);
          CHECK(failure_of(here.run(as_result(with_timeout(closed.next(), 1us)))) == "flush");
          CHECK(here.run(as_result(closed.next())).error() == std::errc::operation_canceled);
        }).empty());
  const auto one_in_flight = [](loop& here) {
    auto range = merge(one_then_guarded(1), []() -> async_generator<int> {
      co_yield 2;
      co_yield 3;
    }());
    for (int i = 0; i < 3; ++i) here.run(range.next());
    return range;
  };
  CHECK(reported_by([&](loop& here) {
          auto closed = one_in_flight(here);
          CHECK(failure_of(here.run(as_result(closed.close()))) == "flush");
        }).empty());
  CHECK(reported_by([&](loop& here) { auto left = one_in_flight(here); }) ==
        std::vector<std::string>{"flush"});
}

TEST_CASE("lost errors: a clean-up error without a caller is reported", "[lost_errors][detach]") {
  const std::vector<std::string> flushed{"flush"};
  stop_source stop;
  CHECK(reported_by([&](loop& here) {
          detach(with_stop_token(guarded(), stop.get_token()));
          here.post([&] { stop.request_stop(); });
        }) == flushed);
  CHECK(reported_by([](loop&) { spawn(guarded()).request_stop(); }) == flushed);
  CHECK(reported_by([](loop&) { spawn(guarded()).then([] {}).request_stop(); }) == flushed);
}

TEST_CASE("lost errors: future::finally keeps the error that it replaces", "[lost_errors][future]") {
  loop here;
  const auto throws = [] { throw std::runtime_error("clean-up"); };
  const auto failed = here.run(as_result(spawn(fails("op")).finally(throws)));
  REQUIRE(failure_of(failed) == "clean-up");
  REQUIRE(failed.error().suppressed().size() == 1);
  CHECK(failed.error().suppressed()[0].message() == "op");
  auto canceled = spawn(sleep_for(1h)).finally(throws);
  canceled.request_stop();
  const auto ended = here.run(as_result(std::move(canceled)));
  CHECK(failure_of(ended) == "clean-up");
  CHECK(ended.error().suppressed().empty());
}

TEST_CASE("lost errors: an operation_canceled without a stop request is a failure", "[lost_errors][scope]") {
  IN_EVERY_STYLE(style);
  loop here;
  const std::string message = error(std::make_error_code(std::errc::operation_canceled)).message();
  const auto spawns = [](scope& s) { s.spawn(aborted()); };
  CHECK(failure_of(style.wait(with_scope(spawns))) == "the server aborted it: " + message);
  const auto of_somebody_else = [](scope& s) {
    auto other = spawn(sleep_for(1h));
    other.request_stop();
    s.spawn([other = std::move(other)]() mutable -> task<> { co_await std::move(other); });
  };
  CHECK(style.wait(with_scope(of_somebody_else)) == std::errc::operation_canceled);
  const auto itself = [](scope& s) {
    auto other = spawn(sleep_for(1h));
    other.request_stop();
    s.spawn(std::move(other));
  };
  CHECK(style.wait(with_scope(itself)) == std::errc::operation_canceled);
  // Another failure is suppressed by it, not lost.
  const auto two = [](scope& s) {
    s.spawn(aborted());
    s.spawn(shield([] { return fails("other"); }));
  };
  const auto both = style.wait(with_scope(two));
  REQUIRE(both == std::errc::operation_canceled);
  REQUIRE(both.error().suppressed().size() == 1);
  CHECK(both.error().suppressed()[0].message() == "other");
}

TEST_CASE("lost errors: an operation_canceled without a stop request and without a caller is reported",
          "[lost_errors][detach]") {
  CHECK(reported_by([](loop&) { detach(aborted()); }).size() == 1);
  CHECK(reported_by([](loop&) { auto dropped = spawn(aborted()); }).size() == 1);
  CHECK(reported_by([](loop&) { auto dropped = spawn(aborted()).then([] {}); }).size() == 1);
  CHECK(reported_by([](loop&) {
          auto other = spawn(sleep_for(1h));
          other.request_stop();
          detach([other = std::move(other)]() mutable -> task<> { co_await std::move(other); });
        }).size() == 1);
}

TEST_CASE("lost errors: a requested cancellation is not reported, whatever requested it",
          "[lost_errors][stop]") {
  stop_source stop;
  CHECK(reported_by([&](loop& here) {
          detach(with_stop_token(sleep_for(1h), stop.get_token()));
          detach([](stop_token token) -> task<> {
            co_await with_stop_token(sleep_for(1h), token);
          }(stop.get_token()));
          detach(with_stop_token(with_scope([](scope& s) { s.spawn(sleep_for(1h)); }), stop.get_token()));
          detach(with_scope([](scope& s) -> task<> {
            s.request_stop();
            co_await sleep_for(1h);
          }));
          spawn(sleep_for(1h)).request_stop();
          spawn(sleep_for(1h)).then([] {}).request_stop();
          spawn(yield()).then([] { return sleep_for(1h); }).request_stop();
          start(with_stop_token(sleep_for(1h), stop.get_token()), [](result<void> ended) { ended.value(); });
          here.post([&] { stop.request_stop(); });
        }).empty());
  stop_source again;
  loop here;
  here.post([&] { again.request_stop(); });
  CHECK(here.run(with_scope([&](scope& s) -> task<int> {
    s.spawn(with_stop_token(sleep_for(1h), again.get_token()));
    co_return 1;
  })) == 1);
}

TEST_CASE("lost errors: a cancellation by the loop's end is not reported", "[lost_errors][ending]") {
  std::vector<std::string> reported;
  std::optional<future<void>> kept;
  {
    loop here;
    here.on_unhandled_error([&](const error& why) { reported.push_back(why.message()); });
    detach(sleep_for(1h));
    detach(finally(sleep_for(1h), [] { return sleep_for(1h); }));
    detach(with_scope([](scope& s) { s.spawn(sleep_for(1h)); }));
    auto dropped = spawn(sleep_for(1h)).then([] {});
    kept.emplace(spawn(sleep_for(1h)));
    here.run(yield());
  }
  kept.reset();
  CHECK(reported.empty());
}
