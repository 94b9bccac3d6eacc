#include "braid/core/async_stack.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include "braid/core/just.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

namespace {

using namespace braid;
using braid_tests::contains;

TEST_CASE("attach_stack: keeps the chain of awaits from the innermost outwards", "[core][async_stack]") {
  async_frame outer{nullptr, std::source_location::current()};
  async_frame inner{&outer, std::source_location::current()};
  error failure = std::errc::timed_out;
  attach_stack(failure, &inner);
  REQUIRE(failure.stack().size() == 2);
  CHECK(failure.stack()[0].line() == inner.where.line());
  CHECK(failure.stack()[1].line() == outer.where.line());
}

TEST_CASE("attach_stack: the first stack is kept", "[core][async_stack]") {
  async_frame first{nullptr, std::source_location::current()};
  async_frame second{&first, std::source_location::current()};
  error failure = std::errc::timed_out;
  attach_stack(failure, &first);
  attach_stack(failure, &second);
  REQUIRE(failure.stack().size() == 1);
  CHECK(failure.stack()[0].line() == first.where.line());
}

TEST_CASE("attach_stack: an empty chain leaves the error unchanged", "[core][async_stack]") {
  error failure = std::errc::timed_out;
  attach_stack(failure, nullptr);
  CHECK(failure.stack().empty());
  CHECK(format_stack(failure).empty());
}

TEST_CASE("attach_stack: keeps the innermost 64 frames of a deep chain", "[core][async_stack]") {
  const auto outside = std::source_location::current();
  std::vector<async_frame> frames(100, {nullptr, outside});
  for (std::size_t i = 0; i + 1 < frames.size(); ++i) frames[i].parent = &frames[i + 1];
  frames[0].where = std::source_location::current();
  error failure = std::errc::timed_out;
  attach_stack(failure, &frames[0]);
  REQUIRE(failure.stack().size() == 64);
  CHECK(failure.stack()[0].line() == frames[0].where.line());
  CHECK_FALSE(failure.stack_is_whole());
  CHECK(format_stack(failure).ends_with("  ...\n"));
}

TEST_CASE("attach_stack: skips a frame without a place", "[core][async_stack]") {
  async_frame outer{nullptr, std::source_location::current()};
  async_frame between{&outer, {}};
  async_frame inner{&between, std::source_location::current()};
  error failure = std::errc::timed_out;
  attach_stack(failure, &inner);
  REQUIRE(failure.stack().size() == 2);
  CHECK(failure.stack()[1].line() == outer.where.line());
}

TEST_CASE("attach_stack: a chain of exactly 64 frames is whole", "[core][async_stack]") {
  std::vector<async_frame> frames(async_stack::most_frames, {nullptr, std::source_location::current()});
  for (std::size_t i = 0; i + 1 < frames.size(); ++i) frames[i].parent = &frames[i + 1];
  error failure = std::errc::timed_out;
  attach_stack(failure, &frames[0]);
  CHECK(failure.stack().size() == async_stack::most_frames);
  CHECK(failure.stack_is_whole());
}

TEST_CASE("format_stack: prints one line for each frame, with function, file and line; the verb is last",
          "[core][async_stack]") {
  async_frame outer{nullptr, std::source_location::current()};
  async_frame inner{&outer, std::source_location::current()};
  error failure = std::errc::timed_out;
  attach_stack(failure, &inner);
  const std::string text = format_stack(failure);
  CHECK(text ==
        "  at " + format_place(inner.where) + "\n" + "  started at " + format_place(outer.where) + "\n");
  CHECK_THAT(text, contains("async_stack.cpp:" + std::to_string(inner.where.line()) + ")\n"));
  CHECK(format_stack(stack_of(&inner)) == text);
}

TEST_CASE("format_place: an unknown place says so", "[core][async_stack]") {
  const async_frame unknown;
  CHECK(format_place(unknown.where) == "an unknown place");
  CHECK(format_stack(stack_of(&unknown)).empty());
}

task<> fails_at_once(int) {
  if (true) throw std::runtime_error("at once");
  co_return;
}

TEST_CASE("format_stack: a coroutine that fails before its first await shows where it begins",
          "[core][async_stack]") {
  std::string text;
  loop here;
  here.on_unhandled_error([&](const error& failure) { text = format_stack(failure); });
  detach(fails_at_once(1));
  here.run();
  CHECK_THAT(text, contains("  at "));
  CHECK_THAT(text, contains("fails_at_once"));
  CHECK_THAT(text, contains("  started at "));
}

task<> fails_in_a_coroutine(int) { co_await just_error<void>(std::errc::timed_out); }

TEST_CASE("format_stack: shows a coroutine by its source name", "[core][async_stack]") {
  std::string text;
  loop here;
  here.on_unhandled_error([&](const error& failure) { text = format_stack(failure); });
  detach(fails_in_a_coroutine(1));
  here.run();
  CHECK_THAT(text, contains("fails_in_a_coroutine"));
  CHECK_THAT(text, !contains("_Z"));
  CHECK_THAT(text, !contains("Frame*"));
}

}  // namespace
