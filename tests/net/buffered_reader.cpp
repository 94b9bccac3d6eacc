#include "braid/net/buffered_reader.hpp"

#include <array>
#include <cstddef>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/net/tcp.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/future.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "net/connection.hpp"
#include "net/pieces.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

using line = std::optional<std::string>;

// The same bytes in pieces of 1 to most bytes.
std::vector<std::string> cut(std::string_view bytes, std::size_t most, std::mt19937& random) {
  std::vector<std::string> parts;
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), 1 + random() % most);
    parts.emplace_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return parts;
}

}  // namespace

TEST_CASE("buffered_reader: reads lines over a connection until its end", "[net][buffered_reader]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = connected_pair(style);
  CHECK(style.wait(far.write_all("one\r\ntwo\n\nthree\n")));
  CHECK(style.wait(far.close()));
  buffered_reader from(near);
  for (const char* each : {"one", "two", "", "three"})
    CHECK(style.wait(from.read_line(10)).value() == line(each));
  CHECK(style.wait(from.read_line(10)).value() == std::nullopt);
  CHECK(style.wait(from.read_line(10)).value() == std::nullopt);
}

TEST_CASE("buffered_reader: a line may arrive in any pieces", "[net][buffered_reader]") {
  IN_EVERY_STYLE(style);
  loop here;
  pieces stream{{"o", "ne\r", "\ntw", "o\nthr", "ee", "\n"}};
  buffered_reader from(stream);
  for (const char* each : {"one", "two", "three"}) CHECK(style.wait(from.read_line(5)).value() == line(each));
  CHECK(style.wait(from.read_line(5)).value() == std::nullopt);
}

TEST_CASE("buffered_reader: reads up to a delimiter that is cut in two", "[net][buffered_reader]") {
  IN_EVERY_STYLE(style);
  loop here;
  pieces stream{{"GET / HTTP/1.1\r\n\r", "\nbody--", "--rest"}};
  buffered_reader from(stream);
  CHECK(style.wait(from.read_until("\r\n\r\n", 100)).value() == line("GET / HTTP/1.1"));
  CHECK(style.wait(from.read_until("----", 4)).value() == line("body"));
  CHECK(style.wait(from.peek(4)).value() == "rest");
  from.consume(1);
  CHECK(from.buffered() == "est");
  std::string room(3, '?');
  CHECK(style.wait(from.read_exactly(room)));
  CHECK(room == "est");
  CHECK(style.wait(from.read_until("x", 4)).value() == std::nullopt);
  const auto refused = style.wait(from.read_until("", 4));
  REQUIRE_FALSE(refused);
  CHECK_THROWS_AS(refused.value(), std::invalid_argument);
}

TEST_CASE("buffered_reader: a line of the limit is read, a longer one fails and takes no more memory",
          "[net][buffered_reader]") {
  IN_EVERY_STYLE(style);
  loop here;
  const std::size_t limit = GENERATE(0, 1, 5, 4095, 4096, 4097, 10'000);
  const std::string end = GENERATE(as<std::string>(), "\n", "\r\n");
  std::mt19937 random(static_cast<unsigned>(limit));
  {
    pieces stream{cut(std::string(limit, 'x') + end + "next" + end, 3000, random)};
    buffered_reader from(stream);
    CHECK(style.wait(from.read_line(limit)).value() == line(std::string(limit, 'x')));
    CHECK(style.wait(from.read_line(4)).value() == line("next"));
  }
  pieces stream{cut(std::string(limit + 1, 'x') + end, 3000, random)};
  buffered_reader from(stream);
  const auto ended = style.wait(from.read_line(limit));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::message_size);
  CHECK_THAT(ended.error().message(), contains("buffered_reader::read_line (limit " + std::to_string(limit)));
  CHECK(from.buffered().size() >= std::min<std::size_t>(limit + 1, 1));
  // It may be read with a higher limit.
  CHECK(style.wait(from.read_line(limit + 1)).value() == line(std::string(limit + 1, 'x')));
}

TEST_CASE("buffered_reader: an endless line ends at the limit", "[net][buffered_reader]") {
  loop here;
  pieces stream{std::vector<std::string>(1000, std::string(1000, 'x'))};
  buffered_reader from(stream);
  const auto ended = here.run(as_result(from.read_line(8192)));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::message_size);
  CHECK(from.buffered().size() <= 8192 + 2);
  CHECK(stream.left.size() > 990);
}

TEST_CASE("buffered_reader: an end in the middle is an error, and what came stays",
          "[net][buffered_reader]") {
  IN_EVERY_STYLE(style);
  loop here;
  pieces stream{{"one\ntwo"}};
  buffered_reader from(stream);
  CHECK(style.wait(from.read_line(10)).value() == line("one"));
  std::string room(4, '?');
  const auto check = [&](auto&& op) {
    const auto ended = style.wait(std::move(op));
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == errc::end_of_stream);
    CHECK(from.buffered() == "two");
  };
  check(from.read_line(10));
  check(from.read_until("::", 10));
  check(from.read_exactly(room));
  check(from.peek(4));
  CHECK(style.wait(from.read_some(room)).value() == 3);
  CHECK(style.wait(from.read_some(room)).value() == 0);
}

TEST_CASE("buffered_reader: a failure of the stream leaves what came before it", "[net][buffered_reader]") {
  IN_EVERY_STYLE(style);
  loop here;
  pieces stream{{"half"}, error(std::errc::connection_reset)};
  buffered_reader from(stream);
  const auto ended = style.wait(from.read_line(10));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::connection_reset);
  CHECK(from.buffered() == "half");
}

TEST_CASE("buffered_reader: reads large parts straight into the caller's buffer", "[net][buffered_reader]") {
  IN_EVERY_STYLE(style);
  loop here;
  pieces stream{{"line\nab", std::string(5000, 'c')}};
  buffered_reader from(stream);
  CHECK(style.wait(from.read_line(10)).value() == line("line"));
  std::string room(10'000, '?');
  CHECK(style.wait(from.read_some(room)).value() == 2);  // what was read ahead
  CHECK(style.wait(from.read_some(room)).value() == 5000);
  CHECK(room.substr(0, 5000) == std::string(5000, 'c'));
  CHECK(from.buffered().empty());
  CHECK(style.wait(from.read_some(std::span<char>())).value() == 0);
  CHECK(stream.reads == 2);
}

TEST_CASE("buffered_reader: a second operation at a time fails and harms none", "[net][buffered_reader]") {
  loop here;
  pieces stream{{"one\n"}};
  buffered_reader from(stream);
  auto first = spawn(from.read_line(10));
  CHECK_THROWS_AS(here.run(from.peek(1)), std::logic_error);
  CHECK(here.run(std::move(first)) == line("one"));
  CHECK(here.run(from.read_line(10)) == std::nullopt);
}

TEST_CASE("buffered_reader: lines that are there need no read and, in warm pools, no allocation",
          "[net][buffered_reader][exact]") {
  loop here;
  std::string all;
  for (int i = 0; i < 500; ++i) all += "short\n";
  pieces stream{{all}};
  buffered_reader from(stream);
  for (int i = 0; i < 100; ++i) REQUIRE(here.run(from.read_line(20)) == line("short"));
  const allocation_count count;
  for (int i = 0; i < 300; ++i) (void)here.run(from.read_line(20));
  const std::size_t made = count.made();
  if (counts_allocations) CHECK(made == 0);
  CHECK(stream.reads == 1);
}

// Random reads, some of which are cancelled while they wait, take the stream's bytes in order, each once.
TEST_CASE("buffered_reader: random reads agree with a string", "[net][buffered_reader][property]") {
  const auto seed = GENERATE(range(0U, 120U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::string all;
  const std::size_t size = random() % 20'000;
  while (all.size() < size) all += "abc\r\n\n:"[random() % 7];
  loop here;
  pieces stream{cut(all, 1 + random() % 6000, random)};
  buffered_reader from(stream);
  std::string_view model = all;
  const auto some = [&](auto op) {
    auto begun = spawn(as_result(std::move(op)));
    for (auto turns = random() % 4; turns > 0; --turns) here.turn(false);
    if (random() % 3 == 0) begun.request_stop();
    return here.run(std::move(begun));
  };
  for (bool ends = false; !ends;) {
    const std::size_t limit = random() % 3 == 0 ? random() % 50 : random() % 9000;
    std::string room(random() % 5 == 0 ? random() % 9000 : random() % 20, '?');
    switch (random() % 5) {
      case 0: {
        const auto got = some(from.read_line(limit));
        const std::size_t at = model.find('\n');
        std::string_view expected = model.substr(0, at);
        if (at != model.npos && expected.ends_with('\r')) expected.remove_suffix(1);
        if (!got && got.error() == std::errc::operation_canceled) break;
        if (!got && got.error() == std::errc::message_size) {
          REQUIRE(expected.size() > limit);
          break;
        }
        if (!got || !*got) {
          REQUIRE(at == model.npos);
          REQUIRE((got ? model.empty() : got.error() == errc::end_of_stream && !model.empty()));
          ends = true;
          break;
        }
        REQUIRE(**got == expected);
        REQUIRE(expected.size() <= limit);
        model.remove_prefix(at + 1);
        break;
      }
      case 1: {
        const std::string delimiter = random() % 2 == 0 ? ":" : "\r\n";
        const auto got = some(from.read_until(delimiter, limit));
        const std::size_t at = model.find(delimiter);
        if (!got && got.error() == std::errc::operation_canceled) break;
        if (!got && got.error() == std::errc::message_size) {
          REQUIRE(at > limit);
          break;
        }
        if (!got || !*got) {
          REQUIRE(at == model.npos);
          break;
        }
        REQUIRE(**got == model.substr(0, at));
        model.remove_prefix(at + delimiter.size());
        break;
      }
      case 2: {
        const auto got = some(from.read_exactly(room));
        if (!got) break;
        REQUIRE(room == model.substr(0, room.size()));
        model.remove_prefix(room.size());
        break;
      }
      case 3: {
        const auto got = some(from.read_some(room));
        if (!got) break;
        REQUIRE(std::string_view(room).substr(0, *got) == model.substr(0, *got));
        REQUIRE((*got != 0 || room.empty() || model.empty()));
        model.remove_prefix(*got);
        break;
      }
      default: {
        const auto got = some(from.peek(room.size()));
        if (got) REQUIRE(*got == model.substr(0, room.size()));
        const std::size_t skipped = std::min(from.buffered().size(), static_cast<std::size_t>(random() % 3));
        from.consume(skipped);
        model.remove_prefix(skipped);
      }
    }
    REQUIRE(from.buffered() == model.substr(0, from.buffered().size()));
    const std::size_t in_stream =
        std::accumulate(stream.left.begin(), stream.left.end(), std::size_t{0},
                        [](std::size_t sum, const std::string& each) { return sum + each.size(); });
    REQUIRE(from.buffered().size() + in_stream == model.size());
  }
}

TEST_CASE("buffered_reader: can be cancelled at each await", "[net][buffered_reader][cancellation]") {
  const auto program = []() -> task<> {
    pieces stream{{"on", "e\nt", "wo;", "fo", "ur"}};
    buffered_reader from(stream);
    (void)co_await from.read_line(10);
    (void)co_await from.read_until(";", 10);
    std::string room(3, '?');
    (void)co_await from.peek(4);
    co_await from.read_exactly(room);
    (void)co_await from.read_some(room);
  };
  CHECK(every_cancellation(program) >= 5);
}
