// The echo server as a user of braid writes it. BRAID_BACKEND chooses the reactor. With the argument
// incoming_bytes a connection has no buffer of its own.

#include <braid/braid.hpp>

#include <array>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

#include "listening.hpp"

namespace {

braid::task<> echo(braid::tcp::stream client) {
  std::array<char, bench::room> bytes;
  while (const std::size_t got = co_await client.read_some(bytes))
    co_await client.write_all(std::string_view(bytes.data(), got));
}

braid::task<> echo_without_buffer(braid::tcp::stream client) {
  braid::tcp::incoming_bytes arriving = client.incoming_bytes();
  while (const std::optional<braid::leased_bytes> part = co_await arriving.next())
    co_await client.write_all(*part);
}

}  // namespace

int main(int count, char** words) {
  const bool without_buffer = count == 2 && std::string_view(words[1]) == "incoming_bytes";
  braid::loop here;
  const braid::tcp::listener door = braid::tcp::listen_now(braid::endpoint::loopback());
  std::printf("%d\n", door.local_endpoint().port());
  std::fflush(stdout);
  braid::serve_options many;
  many.at_most = 100'000;
  many.on_error = [](const braid::error&) {};  // a client that resets its connection
  here.run(braid::tcp::serve(door, without_buffer ? echo_without_buffer : echo, std::move(many)));
}
