#include "braid/net/write_all.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/net/buffered_writer.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/world.hpp"
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

static_assert(gathering_writable<tcp::stream> && gathering_writable<const tcp::stream> &&
              gathering_writable<buffered_writer<tcp::stream>> && !gathering_writable<sink>);

namespace {

// Reads to the end, at most `most` bytes at once.
task<std::string> rest_of(const tcp::stream& from, std::size_t most = 4096) {
  std::string all, room(most, '?');
  for (;;) {
    const std::size_t got = co_await from.read_some(room);
    if (got == 0) co_return all;
    all.append(room, 0, got);
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("write_all: every style sends pieces together, without an allocation",
                        "[net][write_all][exact]", every_style) {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  const std::string body = "body";
  std::string room(8, '?');
  const auto once = [&] {
    const bool sent = TestType::wait(near.write_all({"head", body})).has_value();
    const bool got = TestType::wait(far.read_exactly(room)).has_value();
    return sent && got && room == "headbody";
  };
  for (int i = 0; i < 100; ++i) REQUIRE(once());
  const allocation_count count;
  for (int i = 0; i < 100; ++i) once();
  const std::size_t made = count.made();
  if (counts_allocations) CHECK(made == 0);
}

TEST_CASE("write_all: any number of pieces, some of them empty, arrive in order", "[net][write_all]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = connected_pair(style);
  std::vector<std::string> words;
  std::string all = "abcd";
  for (int i = 0; i < 300; ++i) all += words.emplace_back(static_cast<std::size_t>(i % 5), 'x');
  const std::vector<readable_bytes> pieces(words.begin(), words.end());
  CHECK(style.wait(near.write_all({"", "abc", "", "d"})));
  CHECK(style.wait(near.write_all(gathered_bytes(pieces))));
  CHECK(style.wait(near.write_all({"", ""})));
  CHECK(style.wait(near.write_all(gathered_bytes(std::span<const readable_bytes>()))));
  CHECK(style.wait(near.shutdown_send()));
  CHECK(style.wait(rest_of(far)).value() == all);
}

TEST_CASE("write_all: pieces of no bytes do nothing, but on a closed stream they fail", "[net][write_all]") {
  IN_EVERY_STYLE(style);
  loop here;
  const tcp::stream closed;
  CHECK(style.wait(closed.write_all({"", ""})).error() == std::errc::bad_file_descriptor);
  CHECK(style.wait(closed.write_all({"a", "b"})).error() == std::errc::bad_file_descriptor);
}

TEST_CASE("write_all: goes on after a part, across the borders of the pieces", "[net][write_all]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = connected_pair(style);
  std::vector<std::string> large;
  std::string all;
  for (char each = 'a'; each != 'i'; ++each) all += large.emplace_back(1'000'003, each);
  const std::vector<readable_bytes> pieces(large.begin(), large.end());
  auto reading = spawn(rest_of(far, 100'000));
  CHECK(style.wait(near.write_all(gathered_bytes(pieces))));
  CHECK(style.wait(near.shutdown_send()));
  CHECK(here.run(std::move(reading)) == all);
}

TEST_CASE("write_all: short writes neither lose nor double a byte", "[net][write_all][sim]") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    sim::world in({.seed = seed, .network = {.buffer_bytes = 64}});
    in.faults().add({.what = sim::fault::short_write, .probability = 0.5});
    in.faults().add({.what = sim::fault::interrupted, .probability = 0.2});
    in.run_on(in.add_host("both"), [seed]() -> task<void> {
      const tcp::listener at = tcp::listen_now(endpoint::loopback());
      auto [near, far] = co_await when_all(tcp::connect(at.local_endpoint()), at.accept());
      std::string head(seed * 7 % 50, 'h'), body(seed * 31 % 500, 'b');
      const std::string expected = head + body + "tail" + head;
      const auto sends = [&]() -> task<> {
        co_await near.write_all({head, body, "tail", head});
        co_await near.shutdown_send();
      };
      auto both = when_all(sends, rest_of(far, 1 + seed));
      const auto [none, got] = co_await std::move(both);
      CHECK(got == expected);
    }());
  }
}

TEST_CASE("write_all: an error after a part says how much of all pieces was sent", "[net][write_all]") {
  IN_EVERY_STYLE(style);
  loop here;
  connection both = connected_pair(style);
  const std::string much(32 << 20, 'x');
  auto writing = spawn(both.near.write_all({"head", much, much}));
  std::string room(1000, '?');
  CHECK(style.wait(both.far.read_exactly(room)));
  reset_peer_of(both.far);
  const auto ended = style.wait(std::move(writing));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().call() == std::string_view("stream::write_all"));
  CHECK(ended.error().transferred() >= 1000);
  CHECK(ended.error().transferred() < 2 * much.size());
}

TEST_CASE("write_all: a cancelled one says how much the peer gets", "[net][write_all][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = connected_pair(style);
  const std::string much(32 << 20, 'x');
  auto writing = spawn(near.write_all({"head", much}));
  std::string room(1000, '?');
  CHECK(style.wait(far.read_exactly(room)));
  writing.request_stop();
  const auto ended = style.wait(std::move(writing));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::operation_canceled);
  CHECK(style.wait(near.shutdown_send()));
  CHECK(style.wait(rest_of(far, 1 << 20)).value().size() + 1000 == ended.error().transferred());
}

TEST_CASE("write_all: a stream that cannot gather gets one piece after the other", "[net][write_all]") {
  IN_EVERY_STYLE(style);
  loop here;
  sink to;
  CHECK(style.wait(write_all(to, {"one", "", "two", "three"})));
  CHECK(to.got == "onetwothree");
  to.most = 15;
  const auto failed = style.wait(write_all(to, {"123", "456"}));
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == std::errc::no_space_on_device);
  CHECK(failed.error().transferred() == 4);
  CHECK(to.got == "onetwothree1234");
}

TEST_CASE("write_all: a buffered_writer accepts pieces in order and says how many on failure",
          "[net][write_all][buffered_writer]") {
  IN_EVERY_STYLE(style);
  loop here;
  sink stream;
  buffered_writer to(stream, 8);
  CHECK(style.wait(write_all(to, {"ab", "cd"})));
  CHECK(stream.writes == 0);
  CHECK(style.wait(to.write_all({"ef", "0123456789", "gh"})));
  CHECK(stream.got == "abcdef0123456789");
  CHECK(to.held() == 2);
  stream.most = 20;
  const auto failed = style.wait(to.write_all({"ijk", "0123456789"}));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().transferred() == 3);  // "ijk" is in the writer
  CHECK(stream.got == "abcdef0123456789ghij");
  CHECK(to.held() == 1);
}

TEST_CASE("write_all: can be cancelled at each await", "[net][write_all][cancellation]") {
  const auto program = []() -> task<> {
    sink stream;
    buffered_writer to(stream, 4);
    co_await to.write_all({"ab", "cde", "fghijk"});
    co_await write_all(stream, {"one", "two"});
    co_await to.flush();
  };
  CHECK(every_cancellation(program) >= 4);
}
