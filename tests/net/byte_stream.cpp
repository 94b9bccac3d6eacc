#include "braid/net/byte_stream.hpp"

#include <array>
#include <span>
#include <string>

#include "braid/combine/when_all.hpp"
#include "braid/fs/file.hpp"
#include "braid/net/buffered_reader.hpp"
#include "braid/net/buffered_writer.hpp"
#include "braid/net/tcp.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "every_style.hpp"
#include "net/connection.hpp"

using namespace braid;
using namespace braid_tests;

static_assert(byte_stream<tcp::stream> && byte_stream<const tcp::stream&> && byte_stream<file>);
static_assert(readable<buffered_reader<tcp::stream>> && !writable<buffered_reader<tcp::stream>>);
static_assert(writable<buffered_writer<tcp::stream>> && !readable<buffered_writer<tcp::stream>>);
static_assert(!readable<tcp::listener> && !writable<std::string> && !readable<int>);

namespace {

template <byte_stream S>
task<> echo(S& peer) {
  std::array<char, 16> part;
  while (const std::size_t got = co_await peer.read_some(part))
    co_await peer.write_all(std::span(part).first(got));
}

}  // namespace

TEST_CASE("byte_stream: one function serves any of them", "[net][byte_stream]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = connected_pair(style);
  auto echoing = spawn(echo(far));
  std::string room(26, '?');
  CHECK(style.wait(near.write_all("abcdefghijklmnopqrstuvwxyz")));
  CHECK(style.wait(near.read_exactly(room)));
  CHECK(room == "abcdefghijklmnopqrstuvwxyz");
  CHECK(style.wait(near.shutdown_send()));
  CHECK(here.run(as_result(std::move(echoing))));
}
