#include "braid/net/read_lines.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/fs/file.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/async_views.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "net/pieces.hpp"
#include "read_pipe.hpp"

using namespace braid;
using namespace braid_tests;

static_assert(async_range<line_range<tcp::stream>> && async_range<line_range<const file>>);

TEST_CASE("read_lines: gives the lines of a pipe, and the last without its newline", "[net][read_lines]") {
  IN_EVERY_STYLE(style);
  loop here;
  const std::string last = GENERATE(as<std::string>(), "", "three", "three\n");
  read_pipe pipe;
  pipe.write("one\ntwo\r\n" + last);
  pipe.ends.close_writer();
  auto lines = read_lines(pipe.reader);
  std::vector<std::string> got;
  while (auto next = style.wait(lines.next()).value()) got.push_back(*std::move(next));
  CHECK(got == (last.empty() ? std::vector<std::string>{"one", "two"}
                             : std::vector<std::string>{"one", "two", "three"}));
  CHECK(style.wait(lines.next()).value() == std::nullopt);
}

TEST_CASE("read_lines: a line over the limit fails, with or without its newline", "[net][read_lines]") {
  IN_EVERY_STYLE(style);
  loop here;
  pieces stream{{GENERATE(as<std::string>(), "12345", "123456", "12345\n", "123456\r\n")}};
  auto lines = read_lines(stream, 4);
  const auto ended = style.wait(lines.next());
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::message_size);
}

TEST_CASE("read_lines: a next that is stopped loses no line", "[net][read_lines]") {
  IN_EVERY_STYLE(style);
  loop here;
  pieces stream{{"on", "e\ntw", "o"}};
  auto lines = read_lines(stream);
  auto stopped = spawn(lines.next());
  for (int turns = 0; turns < 3; ++turns) here.turn(false);
  stopped.request_stop();
  const auto first = here.run(as_result(std::move(stopped)));
  if (!first) CHECK(style.wait(lines.next()).value() == "one");
  CHECK(style.wait(lines.next()).value() == "two");
  CHECK(style.wait(lines.next()).value() == std::nullopt);
}

TEST_CASE("read_lines: a failure of the stream is no end", "[net][read_lines]") {
  IN_EVERY_STYLE(style);
  loop here;
  pieces stream{{"half"}, error(std::errc::connection_reset)};
  auto lines = read_lines(stream);
  for (int i = 0; i < 2; ++i) CHECK(style.wait(lines.next()).error() == std::errc::connection_reset);
}

TEST_CASE("read_lines: the lines go through the views", "[net][read_lines]") {
  loop here;
  pieces stream{{"1\n2\n3\n4"}};
  const auto sum = [](auto numbers) -> task<int> {
    int all = 0;
    while (const auto next = co_await numbers.next()) all += *next;
    co_return all;
  };
  auto numbers = read_lines(stream) | transform([](const std::string& text) { return std::stoi(text); });
  CHECK(here.run(sum(std::move(numbers))) == 10);
}

TEST_CASE("read_lines: can be cancelled at each await", "[net][read_lines][cancellation]") {
  const auto program = []() -> task<> {
    pieces stream{{"on", "e\nt", "wo"}};
    auto lines = read_lines(stream);
    while (co_await lines.next()) {}
  };
  CHECK(every_cancellation(program) >= 3);
}
