#include "braid/net/buffered_writer.hpp"

#include <cstddef>
#include <random>
#include <string>
#include <utility>

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

TEST_CASE("buffered_writer: writes together what fits its room", "[net][buffered_writer]") {
  IN_EVERY_STYLE(style);
  loop here;
  sink stream;
  buffered_writer to(stream, 8);
  for (const char* each : {"one", "two", "", "xx"}) CHECK(style.wait(to.write_all(each)));
  CHECK(stream.writes == 0);
  CHECK(to.held() == 8);
  CHECK(style.wait(to.write_all("y")));
  CHECK(stream.got == "onetwoxx");
  CHECK(to.held() == 1);
  CHECK(style.wait(to.flush()));
  CHECK(style.wait(to.flush()));
  CHECK(stream.got == "onetwoxxy");
  CHECK(stream.writes == 2);
}

TEST_CASE("buffered_writer: writes what is larger than its room without a copy, in order",
          "[net][buffered_writer]") {
  IN_EVERY_STYLE(style);
  loop here;
  sink stream;
  buffered_writer to(stream, 4);
  CHECK(style.wait(to.write_all("ab")));
  CHECK(style.wait(to.write_all("0123456789")));
  CHECK(stream.got == "ab0123456789");
  CHECK(to.held() == 0);
  sink other;
  buffered_writer none(other, 0);
  CHECK(style.wait(none.write_all("x")));
  CHECK(other.got == "x");
}

TEST_CASE("buffered_writer: after a failure it has what was not written", "[net][buffered_writer]") {
  IN_EVERY_STYLE(style);
  loop here;
  sink stream;
  stream.most = 4;
  buffered_writer to(stream, 8);
  CHECK(style.wait(to.write_all("abcdef")));
  auto failed = style.wait(to.write_all("ghijkl"));
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == std::errc::no_space_on_device);
  CHECK(failed.error().transferred() == 0);  // none of these six
  CHECK(stream.got == "abcd");
  CHECK(to.held() == 2);
  stream.most = 8;
  failed = style.wait(to.write_all("0123456789"));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().transferred() == 2);
  CHECK(stream.got == "abcdef01");
  stream.most = 100;
  CHECK(style.wait(to.write_all("23456789")));
  CHECK(style.wait(to.flush()));
  CHECK(stream.got == "abcdef0123456789");
}

TEST_CASE("buffered_writer: a second operation at a time fails and harms none", "[net][buffered_writer]") {
  loop here;
  sink stream;
  buffered_writer to(stream, 8);
  here.run(to.write_all("abcdef"));
  auto flushing = spawn(to.flush());
  CHECK_THROWS_AS(here.run(to.write_all("x")), std::logic_error);
  CHECK_THROWS_AS(here.run(to.flush()), std::logic_error);
  here.run(std::move(flushing));
  CHECK(stream.got == "abcdef");
}

TEST_CASE("buffered_writer: over a connection, without an allocation a write",
          "[net][buffered_writer][exact]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = connected_pair(style);
  buffered_writer to(near, 64);
  std::string sent, room;
  const auto once = [&] { return style.wait(to.write_all("twelve bytes")).has_value(); };
  for (int i = 0; i < 100; ++i) REQUIRE(once());
  const allocation_count count;
  for (int i = 0; i < 100; ++i) once();
  const std::size_t made = count.made();
  if (counts_allocations) CHECK(made == 0);
  CHECK(style.wait(to.flush()));
  for (int i = 0; i < 200; ++i) sent += "twelve bytes";
  room.resize(sent.size());
  CHECK(style.wait(far.read_exactly(room)));
  CHECK(room == sent);
}

// Random writes and flushes, some of them cancelled while they wait or failing: the bytes that were accepted
// come to the stream in order, each once.
TEST_CASE("buffered_writer: random writes agree with a string", "[net][buffered_writer][property]") {
  const auto seed = GENERATE(range(0U, 120U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  loop here;
  sink stream;
  stream.at_once = 1 + random() % 7;
  buffered_writer to(stream, random() % 30);
  std::string accepted;
  for (int step = 0; step < 60; ++step) {
    stream.most = random() % 5 == 0 ? stream.got.size() + random() % 10 : static_cast<std::size_t>(-1);
    std::string bytes;
    for (auto size = random() % 40; size > 0; --size) bytes += static_cast<char>('a' + random() % 26);
    const bool writes = random() % 4 != 0;
    auto begun = spawn(as_result(writes ? to.write_all(bytes) : to.flush()));
    for (auto turns = random() % 6; turns > 0; --turns) here.turn(false);
    if (random() % 4 == 0) begun.request_stop();
    const auto ended = here.run(std::move(begun));
    if (writes) accepted += ended ? bytes : bytes.substr(0, ended.error().transferred());
    REQUIRE(stream.got.size() + to.held() == accepted.size());
    REQUIRE(accepted.starts_with(stream.got));
  }
  stream.most = static_cast<std::size_t>(-1);
  here.run(to.flush());
  REQUIRE(stream.got == accepted);
}

TEST_CASE("buffered_writer: can be cancelled at each await", "[net][buffered_writer][cancellation]") {
  const auto program = []() -> task<> {
    sink stream;
    buffered_writer to(stream, 4);
    co_await to.write_all("ab");
    co_await to.write_all("cde");
    co_await to.write_all("fghijk");
    co_await to.flush();
  };
  CHECK(every_cancellation(program) >= 5);
}
