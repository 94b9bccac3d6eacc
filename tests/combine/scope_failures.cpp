// What a scope makes of the failures of its function and its children.

#include "braid/combine/scope.hpp"

#include <chrono>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/shield.hpp"
#include "catch.hpp"
#include "combine/operations.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("with_scope: the first failure stops everything and is the result once all have ended",
          "[scope][stop]") {
  IN_EVERY_STYLE(style);
  int cancelled = 0;
  const auto got = style.wait(with_scope([&](scope& s) -> task<> {
    s.spawn([&] { return sleeps(cancelled); });
    s.spawn(fails("first"));
    s.spawn([&] { return sleeps(cancelled); });
    co_await sleeps(cancelled);
  }));
  REQUIRE_FALSE(got);
  CHECK(got.error().message() == "first");
  CHECK(got.error().suppressed().empty());
  CHECK(cancelled == 3);
}

TEST_CASE("with_scope: an exception from the function is a failure, before and after its first await",
          "[scope]") {
  int cancelled = 0;
  const auto plain = capture([&] {
    run(with_scope([&](scope& s) -> int {
      s.spawn([&] { return sleeps(cancelled); });
      throw std::runtime_error("plain");
    }));
  });
  CHECK(plain.error().message() == "plain");
  const auto coroutine = capture([&] {
    run(with_scope([&](scope& s) -> task<> {
      s.spawn([&] { return sleeps(cancelled); });
      co_await yield();
      throw std::runtime_error("coroutine");
    }));
  });
  CHECK(coroutine.error().message() == "coroutine");
  CHECK(cancelled == 2);
}

TEST_CASE("with_scope: the first failure suppresses the second; a cancellation does not count", "[scope]") {
  int cancelled = 0;
  const auto got = run(as_result(with_scope([&](scope& s) -> task<> {
    s.spawn(fails("first"));
    s.spawn([&] { return sleeps(cancelled); });
    s.spawn(shield([] { return fails("second"); }));
    s.spawn(as_result(fails("no failure of the scope")));
    const auto stopped = co_await as_result(sleep_for(1h));
    CHECK_FALSE(stopped);
    throw std::runtime_error("third");
  })));
  REQUIRE_FALSE(got);
  CHECK(got.error().message() == "first");
  std::vector<std::string> others;
  for (const error& each : got.error().suppressed()) others.push_back(each.message());
  CHECK(others == std::vector<std::string>{"second", "third"});
}

TEST_CASE("with_scope: a failure is the result rather than a cancellation, in either order",
          "[scope][stop]") {
  loop here;
  auto running = spawn(with_scope([](scope& s) -> task<> {
    s.spawn([]() -> task<> {
      (void)co_await as_result(sleep_for(1h));
      (void)co_await as_result(yield());
      throw std::runtime_error("the clean-up failed");
    });
    co_await sleep_for(1h);
  }));
  running.request_stop();
  CHECK(here.run(as_result(std::move(running))).error().message() == "the clean-up failed");
}

TEST_CASE("with_scope: a child's failure that the function gets from its future counts once", "[scope]") {
  const auto thrown =
      run(as_result(with_scope([](scope& s) -> task<> { (void)co_await s.spawn(fails("once")); })));
  CHECK(thrown.error().message() == "once");
  CHECK(thrown.error().suppressed().empty());
  const auto code = run(as_result(with_scope([](scope& s) -> task<> {
    co_await s.spawn(just_error<void>(error(std::make_error_code(std::errc::io_error), "call")));
  })));
  CHECK(code.error().message() == error(std::make_error_code(std::errc::io_error), "call").message());
  CHECK(code.error().suppressed().empty());
  const auto handled = run(as_result(with_scope([](scope& s) -> task<int> {
    auto failing = s.spawn(fails("handled by nobody"));
    co_return (co_await as_result(std::move(failing))).value_or(0);
  })));
  CHECK(handled.error().message() == "handled by nobody");
}

TEST_CASE("scope: a child's failure has a stack of its awaits, its spawn and the scope's waiter",
          "[scope][stack]") {
  std::uint32_t child_line = 0, spawn_line = 0, scope_line = 0, verb_line = 0;
  const auto here = [](std::source_location at = std::source_location::current()) { return at.line(); };
  const auto child = [&]() -> task<> {
    child_line = here() + 1;
    co_await just_error<void>(std::errc::io_error);
  };
  const auto waits = [&]() -> task<> {
    const auto body = [&](scope& s) {
      spawn_line = here() + 1;
      s.spawn(child);
    };
    scope_line = here() + 1;
    co_await with_scope(body);
  };
  verb_line = here() + 1;
  const auto got = run(as_result(waits()));
  REQUIRE_FALSE(got);
  std::vector<std::uint32_t> lines;
  for (const auto& where : got.error().stack()) lines.push_back(where.line());
  CHECK(lines == std::vector{child_line, spawn_line, scope_line, verb_line});

  const auto bare = run(as_result(with_scope([&](scope& s) {
    spawn_line = here() + 1;
    s.spawn(just_error<void>(std::errc::io_error));
  })));
  REQUIRE(bare.error().stack().size() == 2);
  CHECK(bare.error().stack()[0].line() == spawn_line);
}
