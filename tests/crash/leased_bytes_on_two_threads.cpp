#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/net/tcp.hpp"
#include "braid/style/run.hpp"

int main() {
  braid::loop here;
  const braid::tcp::listener at = braid::tcp::listen_now(braid::endpoint::loopback());
  auto [near, far] = here.run(braid::when_all(braid::tcp::connect(at.local_endpoint()), at.accept()));
  auto arriving = near.incoming_bytes();
  here.run(far.write_all("hello"));
  std::optional<braid::leased_bytes> got = here.run(arriving.next());
  std::thread([&] { got.reset(); }).join();
  std::puts("lived on");
}
