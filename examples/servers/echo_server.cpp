// An echo server: each client gets back what it sends.
//
//     build/examples/echo_server --serve 127.0.0.1:7777
//     nc 127.0.0.1 7777

#include <braid/braid.hpp>

#include <array>
#include <cstddef>
#include <span>

#include "serve_until_signal.hpp"

namespace {

braid::task<> echo(braid::tcp::stream client) {
  std::array<char, 4096> part;
  while (const std::size_t got = co_await client.read_some(part))  // 0: the client has sent all
    co_await client.write_all(std::span(part).first(got));
}

braid::task<> serve(servers::options given) {
  braid::tcp::listener door = co_await braid::tcp::listen(servers::address(given["--serve"]));
  co_await servers::serve_until_signal(door, braid::tcp::serve(door, echo));
}

}  // namespace

int main(int argc, char** argv) { return servers::run(argc, argv, {{"--serve", "127.0.0.1:7777"}}, serve); }
