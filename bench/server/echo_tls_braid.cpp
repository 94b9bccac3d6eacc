// The TLS echo server as a user of braid writes it. BRAID_BACKEND chooses the reactor.
//
//   echo_tls_braid CERTIFICATE KEY

#include <braid/braid.hpp>
#include <braid/tls/accept.hpp>
#include <braid/tls/context.hpp>

#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include "listening.hpp"

namespace {

braid::task<> echo(braid::tcp::stream client, braid::tls::context serving) {
  braid::tls::stream peer = co_await braid::tls::accept(std::move(client), std::move(serving));
  std::array<char, bench::room> bytes;
  while (const std::size_t got = co_await peer.read_some(bytes))
    co_await peer.write_all(std::string_view(bytes.data(), got));
  co_await peer.close();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: echo_tls_braid CERTIFICATE KEY\n");
    return 2;
  }
  braid::tls::server_options mine;
  mine.certificate = braid::tls::pem::file(argv[1]);
  mine.key = braid::tls::pem::file(argv[2]);
  const braid::tls::context serving(std::move(mine));
  braid::loop here;
  const braid::tcp::listener door = braid::tcp::listen_now(braid::endpoint::loopback());
  std::printf("%d\n", door.local_endpoint().port());
  std::fflush(stdout);
  braid::serve_options quiet;
  quiet.on_error = [](const braid::error&) {};  // a client that ends without a handshake
  const auto serve = [&](braid::tcp::stream client) { return echo(std::move(client), serving); };
  here.run(braid::tcp::serve(door, serve, std::move(quiet)));
}
