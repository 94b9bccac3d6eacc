#include "braid/style/current_async_stack.hpp"

#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

using lines = std::vector<std::uint32_t>;

lines lines_of(const async_stack& stack) {
  lines all;
  for (const std::source_location& where : stack.frames) all.push_back(where.line());
  return all;
}
constexpr std::uint32_t line_here(std::source_location where = std::source_location::current()) {
  return where.line();
}

std::uint32_t inner_line;

task<async_stack> inner() {
  inner_line = line_here() + 1;
  co_return co_await current_async_stack();
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("current_async_stack: completes at once with a chain that ends in the verb",
                        "[current_async_stack]", every_style) {
  const async_stack stack = TestType::wait(current_async_stack()).value();
  REQUIRE_FALSE(stack.frames.empty());
  CHECK(stack.is_whole);
  CHECK_THAT(format_stack(stack), contains("  started at "));
}

TEST_CASE("current_async_stack: in a coroutine its own await is first, the verb last",
          "[current_async_stack]") {
  std::uint32_t outer_line = 0;
  const std::uint32_t verb_line = line_here() + 1;
  const async_stack stack = run([&]() -> task<async_stack> {
    outer_line = line_here() + 1;
    co_return co_await inner();
  });
  CHECK(lines_of(stack) == lines{inner_line, outer_line, verb_line});
}

TEST_CASE("current_async_stack: in a fiber its own await is first", "[current_async_stack]") {
  std::uint32_t await_line = 0;
  const std::uint32_t verb_line = line_here() + 1;
  const async_stack stack = run(in_fiber([&] {
    await_line = line_here() + 1;
    return await(current_async_stack());
  }));
  CHECK(lines_of(stack) == lines{await_line, verb_line});
}

TEST_CASE("current_async_stack: continues through a join to the frame that waits for the join",
          "[current_async_stack]") {
  std::uint32_t join_line = 0;
  const std::uint32_t verb_line = line_here() + 1;
  run([&]() -> task<void> {
    join_line = line_here() + 1;
    const auto [first, second] = co_await when_all(inner(), current_async_stack());
    CHECK(lines_of(first) == lines{inner_line, join_line, verb_line});
    CHECK(lines_of(second) == lines{join_line, verb_line});
  });
}

TEST_CASE("current_async_stack: in a spawned operation it shows where that was spawned",
          "[current_async_stack]") {
  loop here;
  const std::uint32_t spawn_line = line_here() + 1;
  auto running = spawn(inner());
  CHECK(lines_of(here.run(std::move(running))) == lines{inner_line, spawn_line});
}

TEST_CASE("current_async_stack: in the operation of a future's step it shows where the step was attached",
          "[current_async_stack]") {
  loop here;
  const std::uint32_t then_line = line_here() + 1;
  auto chained = make_ready_future().then([] { return inner(); });
  CHECK(lines_of(here.run(std::move(chained))) == lines{inner_line, then_line});
}

TEST_CASE("current_async_stack: a chain of more than 64 frames is not whole", "[current_async_stack]") {
  struct recursion {
    static task<async_stack> down(int frames) {
      if (frames == 0) co_return co_await current_async_stack();
      co_return co_await down(frames - 1);
    }
  };
  const async_stack stack = run(recursion::down(200));
  CHECK(stack.frames.size() == async_stack::most_frames);
  CHECK_FALSE(stack.is_whole);
  const std::string text = format_stack(stack);
  CHECK(text.ends_with("  ...\n"));
  CHECK_THAT(text, !contains("started at"));
}
