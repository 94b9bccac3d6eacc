// The recipes for sockets: options, Unix-domain sockets, multicast.

#include <braid/braid.hpp>

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <span>
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

// [unix]
/// Gives a process of the same user the standard output to write on.
braid::task<> serve_neighbour(braid::unix_domain::stream client) {
  const auto who = client.peer_credentials();
  const int output = STDOUT_FILENO;
  if (who.user == ::geteuid())
    co_await client.send_descriptors("take it", std::span(&output, 1));
  else
    co_await client.write_all("who are you?");
}

/// Replaces the socket's file if a process that crashed has left it behind.
braid::unix_domain::listener open_local_door(const std::string& path) {
  return braid::unix_domain::listen_now(path, {.replace_stale = true});
}

braid::task<> visit_neighbour(std::string path) {
  const auto talk = co_await braid::unix_domain::connect(path);
  std::array<char, 64> text;
  const braid::unix_domain::received got = co_await talk.receive_descriptors(text, 1);
  if (got.descriptors.empty()) co_return;
  const std::string_view line = "the neighbour lets me write here\n";
  (void)::write(got.descriptors.front().number(), line.data(), line.size());
}
// [/unix]

// [multicast]
/// Hears what the network's hosts say to the group. Other programs of this machine may listen, too.
braid::udp::socket join_group(const braid::endpoint& group, braid::network_interface on) {
  auto inbox = braid::udp::bind_now(braid::endpoint("0.0.0.0", group.port()), {.reuse_address = true});
  inbox.join(group, on);
  return inbox;
}

braid::task<> tell_group(braid::endpoint group, braid::network_interface on, std::string text) {
  const braid::udp::datagram_options how{.multicast_ttl = 1, .multicast_interface = on};
  const auto sender = co_await braid::udp::connect(group, how);
  co_await sender.send(text);
}
// [/multicast]

braid::task<> meet_group() {
  const braid::network_interface here("lo");
  const auto any = braid::udp::bind_now(braid::endpoint("0.0.0.0", 0), {.reuse_address = true});
  const braid::endpoint group("239.255.7.8", any.local_endpoint().port());
  const auto inbox = join_group(group, here);
  co_await tell_group(group, here, "hello, group");
  std::string text(64, '\0');
  const auto got = co_await inbox.receive_from(text);
  std::puts(text.substr(0, got.size).c_str());
}

braid::task<> meet_neighbour() {
  const std::string path = "/tmp/braid-sockets-" + std::to_string(::getpid());
  auto door = open_local_door(path);
  auto visiting = braid::spawn(visit_neighbour(path));
  auto client = co_await door.accept();
  co_await serve_neighbour(std::move(client));
  co_await std::move(visiting);
  co_await door.close();  // removes the file
}

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
  braid::run(meet_group());
  std::fflush(stdout);
  braid::run(meet_neighbour());
}
