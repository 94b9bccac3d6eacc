// The chain that an error carries: what the verbs and the awaits make of core/async_stack.hpp.

#include "braid/core/async_stack.hpp"

#include <cstdint>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

using lines = std::vector<std::uint32_t>;

lines lines_of(const error& failure) {
  lines all;
  for (const std::source_location& where : failure.stack()) all.push_back(where.line());
  return all;
}

constexpr std::uint32_t line_here(std::source_location where = std::source_location::current()) {
  return where.line();
}

std::uint32_t innermost_line, middle_line, outer_line, verb_line;

task<int> innermost() {
  innermost_line = line_here() + 1;
  co_await nop();
  throw std::runtime_error("deep down");
}
task<int> middle() {
  middle_line = line_here() + 1;
  co_return co_await innermost();
}
task<int> outer() {
  co_await nop();
  outer_line = line_here() + 1;
  const int n = co_await middle();
  co_return n;
}
task<void> fails_in_the_kernel() {
  middle_line = line_here() + 1;
  co_await just_error<void>(error(std::make_error_code(std::errc::io_error), "call", "object"));
}

}  // namespace

TEST_CASE("async stack: an exception carries the lines of all awaits and of the verb, innermost first",
          "[stack]") {
  verb_line = line_here() + 1;
  const auto ended = capture([] { return run(outer()); });
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "deep down");
  CHECK(lines_of(ended.error()) == lines{innermost_line, middle_line, outer_line, verb_line});
  CHECK_THAT(ended.error().stack()[0].function_name(), contains("innermost"));
  CHECK_THAT(ended.error().stack()[2].function_name(), contains("outer"));
  CHECK_THAT(format_stack(ended.error()), contains("async_stack.cpp:" + std::to_string(middle_line)));
}

TEST_CASE("async stack: an error of an operation carries the await that it ended", "[stack]") {
  verb_line = line_here() + 1;
  const auto ended = capture([] { run(fails_in_the_kernel()); });
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::io_error);
  CHECK(ended.error().call() == "call");
  CHECK(lines_of(ended.error()) == lines{middle_line, verb_line});
}

TEST_CASE("async stack: it goes through a fiber", "[stack][fiber]") {
  std::uint32_t await_line = 0;
  verb_line = line_here() + 2;
  const auto ended = capture([&] {
    return run(in_fiber([&] {
      await_line = line_here() + 1;
      return await(middle());
    }));
  });
  REQUIRE_FALSE(ended);
  CHECK(lines_of(ended.error()) == lines{innermost_line, middle_line, await_line, verb_line});
}

TEST_CASE("async stack: it goes through a join and through as_result", "[stack]") {
  std::uint32_t join_line = 0;
  verb_line = line_here() + 1;
  const auto ended = run(as_result([&]() -> task<int> {
    join_line = line_here() + 1;
    auto [first, second] = co_await when_all(middle(), yield());
    co_return first;
  }));
  REQUIRE_FALSE(ended);
  CHECK(lines_of(ended.error()) == lines{innermost_line, middle_line, join_line, verb_line});
}

TEST_CASE("async stack: a future's error has a stack that says where the future was spawned", "[stack]") {
  loop here;
  verb_line = line_here() + 1;
  auto running = spawn(middle());
  const auto ended = here.run(as_result(std::move(running).then([](int n) { return n; })));
  REQUIRE_FALSE(ended);
  CHECK(lines_of(ended.error()) == lines{innermost_line, middle_line, verb_line});
}

TEST_CASE("async stack: an error that is caught and rethrown keeps its stack", "[stack]") {
  const auto ended = capture([] {
    run([]() -> task<void> {
      try {
        co_await middle();
      } catch (...) {
        throw;
      }
    });
  });
  REQUIRE_FALSE(ended);
  REQUIRE(ended.error().stack().size() >= 2);
  CHECK(ended.error().stack()[0].line() == innermost_line);
  CHECK(ended.error().stack()[1].line() == middle_line);
}

TEST_CASE("async stack: an exception thrown in a catch block has a stack of its own", "[stack]") {
  std::uint32_t own_line = 0;
  verb_line = line_here() + 2;
  const auto ended = capture([&] {
    run([&]() -> task<void> {
      try {
        own_line = line_here() + 1;
        co_await middle();
      } catch (const std::runtime_error&) {
        throw std::logic_error("another");
      }
    });
  });
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "another");
  CHECK(lines_of(ended.error()) == lines{own_line, verb_line});
}

TEST_CASE("async stack: a handler's error has a stack", "[stack]") {
  loop here;
  error seen{std::errc::io_error};
  verb_line = line_here() + 1;
  start(middle(), [&](result<int> ended) { seen = ended.error(); });
  here.run();
  CHECK(lines_of(seen) == lines{innermost_line, middle_line, verb_line});
}

TEST_CASE("async stack: an error that a task returns carries the same chain as one that it throws",
          "[stack]") {
  std::uint32_t own_line = 0;
  const auto fails = [&]() -> task<int> {
    own_line = line_here() + 1;
    co_await nop();
    co_return error(std::make_error_code(std::errc::io_error), "read", "a disk");
  };
  verb_line = line_here() + 1;
  const auto ended = run(as_result(fails));
  REQUIRE_FALSE(ended);
  CHECK(lines_of(ended.error()) == lines{own_line, verb_line});
}

TEST_CASE("async stack: an error that is awaited as a value carries the await", "[stack]") {
  std::uint32_t own_line = 0;
  verb_line = line_here() + 1;
  run([&]() -> task<void> {
    own_line = line_here() + 1;
    const auto read = co_await as_result(just_error<int>(std::errc::io_error));
    CHECK(lines_of(read.error()) == lines{own_line, verb_line});
  });
}

TEST_CASE("async stack: an error of a single operation carries the verb, in every style", "[stack]") {
  const auto fails = [] { return just_error<int>(std::errc::io_error); };
  loop here;
  verb_line = line_here() + 1;
  const auto ended = capture([&] { return here.run(fails()); });
  CHECK(lines_of(ended.error()) == lines{verb_line});

  error seen{std::errc::timed_out};
  verb_line = line_here() + 1;
  start(fails(), [&](result<int> with) { seen = with.error(); });
  here.run();
  CHECK(lines_of(seen) == lines{verb_line});

  verb_line = line_here() + 1;
  auto running = spawn(fails());
  CHECK(lines_of(here.run(as_result(std::move(running))).error()) == lines{verb_line});

  verb_line = line_here() + 1;
  const auto in_a_fiber = capture([&] { return here.run(in_fiber([&] { return await(fails()); })); });
  CHECK(lines_of(in_a_fiber.error()) == lines{verb_line, verb_line});
}

TEST_CASE("async stack: a fiber that fails before its first await shows where it began", "[stack][fiber]") {
  loop here;
  const auto fiber_line = line_here() + 1;
  const auto fails = [] { return in_fiber([]() -> int { throw std::runtime_error("at once"); }); };
  here.run(in_fiber([] { await(nop()); }));  // leaves a fiber in the pool whose last place was another one
  verb_line = line_here() + 1;
  const auto ended = capture([&] { return here.run(fails()); });
  CHECK(lines_of(ended.error()) == lines{fiber_line, verb_line});
}

TEST_CASE("async stack: an exception of a future's step shows where the step was attached", "[stack]") {
  loop here;
  auto first = spawn(nop());
  verb_line = line_here() + 1;
  auto next = std::move(first).then([]() -> int { throw std::runtime_error("in the step"); });
  const auto ended = here.run(as_result(std::move(next)));
  REQUIRE_FALSE(ended);
  CHECK(lines_of(ended.error()) == lines{verb_line});
}
