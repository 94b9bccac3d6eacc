// An HTTP server that says hello, as a user of braid-http writes it.

#include <braid/braid.hpp>
#include <braid/http/server.hpp>

#include <cstdio>

namespace {

braid::task<braid::http::response> hello(braid::http::request&) {
  co_return braid::http::response(200, "hello, world\n");
}

}  // namespace

int main() {
  braid::loop here;
  const braid::tcp::listener door = braid::tcp::listen_now(braid::endpoint::loopback());
  std::printf("%d\n", door.local_endpoint().port());
  std::fflush(stdout);
  here.run(braid::http::serve(door, hello));
}
