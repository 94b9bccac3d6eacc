// The recipes for sockets: options.

#include <braid/braid.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

namespace {

// [options]
/// One of several listeners for all addresses of this machine, IPv4 and IPv6. A client that says nothing for
/// a minute, and does not answer the system's questions either, has vanished.
braid::tcp::listener open_door(std::uint16_t port) {
  const braid::tcp::keep_alive_options asks{.idle = 60s, .interval = 10s, .count = 3};
  const braid::tcp::listen_options how{
      .backlog = 4096, .reuse_port = true, .stream = {.keep_alive = asks, .user_timeout = 90s}};
  return braid::tcp::listen_now(braid::endpoint("::", port), how);
}

braid::task<> greet(braid::tcp::stream client) {
  client.set_options({.no_delay = false});  // this client gets many small pieces
  co_await client.write_all("hello, " + client.peer_endpoint().unmapped().to_string() + "\n");
}
// [/options]

braid::task<> say_hello(const braid::tcp::listener& door) {
  const auto talk = co_await braid::tcp::connect(braid::endpoint::loopback(door.local_endpoint().port()));
  auto client = co_await door.accept();
  co_await greet(std::move(client));
  std::string answer(64, '\0');
  answer.resize(co_await talk.read_some(answer));
  const bool known = answer == "hello, " + talk.local_endpoint().to_string() + "\n";
  std::puts(known ? "the server knows its client" : answer.c_str());
}

}  // namespace

int main() {
  const auto door = open_door(0);
  braid::run(say_hello(door));
}
