// Awaits an incoming that was moved from.

#include <cstdio>
#include <utility>

#include "braid/net/tcp.hpp"
#include "braid/style/run.hpp"

int main() {
  braid::loop here;
  const auto listening = braid::tcp::listen_now(braid::endpoint::loopback(), {.backlog = 1});
  auto first = listening.incoming();
  const auto second = std::move(first);
  braid::run(first.next());
  std::puts("lived on");
}
