// The echo server as a user of braid writes it. BRAID_BACKEND chooses the reactor.

#include <braid/braid.hpp>

#include <array>
#include <cstdio>
#include <string_view>

#include "listening.hpp"

namespace {

braid::task<> echo(braid::tcp::stream client) {
  std::array<char, bench::room> bytes;
  while (const std::size_t got = co_await client.read_some(bytes))
    co_await client.write_all(std::string_view(bytes.data(), got));
}

}  // namespace

int main() {
  braid::loop here;
  const braid::tcp::listener door = braid::tcp::listen_now(braid::endpoint::loopback());
  std::printf("%d\n", door.local_endpoint().port());
  std::fflush(stdout);
  braid::serve_options many;
  many.at_most = 100'000;
  many.on_error = [](const braid::error&) {};  // a client that resets its connection
  here.run(braid::tcp::serve(door, echo, std::move(many)));
}
