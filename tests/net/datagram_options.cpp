#include "braid/net/datagram_options.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "braid/loop/nop.hpp"
#include "braid/net/udp.hpp"
#include "braid/sim/world.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

int option_of(int socket, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  REQUIRE(::getsockopt(socket, level, name, &value, &length) == 0);
  return value;
}

const udp::datagram_options all_set{.broadcast = true,
                                    .ttl = 5,
                                    .multicast_ttl = 7,
                                    .multicast_loopback = false,
                                    .multicast_interface = network_interface("lo"),
                                    .send_buffer = 20'000,
                                    .receive_buffer = 30'000};

void check_all_set(const udp::socket& on, bool v6) {
  const int socket = on.number();
  const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  CHECK(option_of(socket, SOL_SOCKET, SO_BROADCAST) == 1);
  CHECK(option_of(socket, level, v6 ? IPV6_UNICAST_HOPS : IP_TTL) == 5);
  CHECK(option_of(socket, level, v6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL) == 7);
  CHECK(option_of(socket, level, v6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP) == 0);
  if (v6)
    CHECK(option_of(socket, level, IPV6_MULTICAST_IF) == static_cast<int>(network_interface("lo").index()));
  CHECK(option_of(socket, SOL_SOCKET, SO_SNDBUF) == 40'000);  // the kernel doubles it
  CHECK(option_of(socket, SOL_SOCKET, SO_RCVBUF) == 60'000);
}

// An interface with IPv6 and multicast, which the loopback interface does not have; else the loopback.
network_interface of_v6() {
  ifaddrs* all = nullptr;
  REQUIRE(::getifaddrs(&all) == 0);
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(all, ::freeifaddrs);
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next)
    if ((each->ifa_flags & IFF_MULTICAST) != 0 && (each->ifa_flags & IFF_UP) != 0 &&
        each->ifa_addr != nullptr && each->ifa_addr->sa_family == AF_INET6)
      return network_interface(each->ifa_name);
  return network_interface("lo");
}

// Two members of a group, and one that sends to it.
task<> groups_work(endpoint any, endpoint group, network_interface here) {
  const udp::bind_options shared{.reuse_address = true};
  const udp::socket first = udp::bind_now(any, shared);
  const std::uint16_t port = first.local_endpoint().port();
  const udp::socket second =
      udp::bind_now(endpoint(any.family() == AF_INET6 ? "::" : "0.0.0.0", port), shared);
  const udp::datagram_options leaves{.multicast_interface = here};
  const udp::socket sender = udp::bind_now(any, {.datagrams = leaves});
  const std::string text = group.to_string();
  const endpoint target = endpoint::parse(text.substr(0, text.rfind(':') + 1) + std::to_string(port)).value();

  first.join(group, here);
  second.join(group, here);
  co_await sender.send_to("both", target);
  std::array<char, 16> room;
  for (const udp::socket* each : {&first, &second}) {
    const udp::datagram got = co_await each->receive_from(room);
    CHECK(std::string(room.data(), got.size) == "both");
    CHECK(got.from.port() == sender.local_endpoint().port());
  }
  second.leave(group, here);
  co_await sender.send_to("first", target);
  const udp::datagram got = co_await first.receive_from(room);
  CHECK(std::string(room.data(), got.size) == "first");
  // What it does not get would have come before what it gets now.
  second.join(group, here);
  co_await sender.send_to("again", target);
  const udp::datagram next = co_await second.receive_from(room);
  CHECK(std::string(room.data(), next.size) == "again");
}

}  // namespace

TEST_CASE("network_interface: has the system's number", "[net][udp]") {
  CHECK(network_interface("lo").index() != 0);
  CHECK(network_interface().index() == 0);
  CHECK(network_interface("lo") == network_interface("lo"));
  for (const std::string none : {"", "none"})
    CHECK_THROWS_WITH(network_interface(none), contains("network_interface '" + none + "'"));
  CHECK_THROWS_AS(network_interface(std::string_view("lo\0", 3)), std::system_error);
}

TEST_CASE("datagram_options: a socket gets those that are not empty", "[net][udp]") {
  IN_EVERY_STYLE(style);
  loop here;
  for (const char* address : {"127.0.0.1", "::1"}) {
    const endpoint any(address, 0);
    const bool v6 = any.family() == AF_INET6;
    const auto bound = style.wait(udp::bind(any, {.datagrams = all_set}));
    if (v6 && !bound && bound.error() == std::errc::address_family_not_supported) return;  // without IPv6
    REQUIRE(bound);
    check_all_set(*bound, v6);
    check_all_set(style.wait(udp::connect(bound->local_endpoint(), all_set)).value(), v6);
    const udp::socket later = udp::bind_now(any);
    later.set_options({});
    later.set_options(all_set);
    check_all_set(later, v6);
  }
}

TEST_CASE("datagram_options: a refusal names the option", "[net][udp][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  const endpoint any = endpoint::loopback();
  const udp::socket later = udp::bind_now(any);
  const std::string at = later.local_endpoint().to_string();
  const auto invalid = std::errc::invalid_argument;
  const std::array<std::pair<udp::datagram_options, std::string>, 4> refused{
      {{{.ttl = 1000}, "ttl"},
       {{.multicast_ttl = -7}, "multicast_ttl"},
       {{.send_buffer = std::size_t{1} << 31}, "send_buffer"},
       {{.receive_buffer = std::size_t{1} << 40}, "receive_buffer"}}};
  for (const auto& [options, name] : refused) {
    check_fails(style, udp::bind(any, {.datagrams = options}), invalid, "udp::bind",
                name + " of 127.0.0.1:0");
    check_fails(style, udp::connect(later.local_endpoint(), options), invalid, "udp::connect",
                name + " of " + at);
    CHECK_THROWS_WITH(later.set_options(options), contains("socket::set_options " + name + " of " + at));
  }
  check_fails(style, udp::bind(any, {.v6_only = true}), std::errc::no_protocol_option, "udp::bind",
              "v6_only of 127.0.0.1:0");
  CHECK_THROWS_AS(udp::socket().set_options(all_set), std::system_error);
  const endpoint group("239.255.7.7", 80);
  CHECK_THROWS_WITH(later.join(endpoint("127.0.0.1", 80)), contains("socket::join 127.0.0.1:80: "));
  CHECK_THROWS_WITH(later.leave(group, network_interface("lo")),
                    contains("socket::leave 239.255.7.7:80 on interface " +
                             std::to_string(network_interface("lo").index())));
  CHECK_THROWS_WITH(udp::socket().join(group), contains("socket::join 239.255.7.7:80: Bad file descriptor"));
}

TEST_CASE("udp: the members of a group get what is sent to it, until they leave it", "[net][udp]") {
  IN_EVERY_STYLE(style);
  loop here;
  CHECK(style.wait(groups_work(endpoint("0.0.0.0", 0), endpoint("239.255.7.7", 1), network_interface("lo"))));
  // A group of this scope stays within the machine.
  const auto v6 = style.wait(groups_work(endpoint("::", 0), endpoint("ff11::7:7", 1), of_v6()));
  if (!v6 &&
      (v6.error() == std::errc::address_family_not_supported || v6.error() == std::errc::network_unreachable))
    return;  // this machine has no IPv6, or none with multicast
  CHECK((v6 ? "" : v6.error().message()) == "");
}

TEST_CASE("udp: a broadcast needs its option", "[net][udp]") {
  IN_EVERY_STYLE(style);
  loop here;
  const udp::socket inbox = udp::bind_now(endpoint("0.0.0.0", 0));
  const udp::socket sender = udp::bind_now(endpoint::loopback());
  const endpoint everybody("127.255.255.255", inbox.local_endpoint().port());
  check_fails(style, sender.send_to("x", everybody), std::errc::permission_denied, "socket::send_to",
              everybody.to_string());
  sender.set_options({.broadcast = true});
  CHECK(style.wait(sender.send_to("x", everybody)));
  std::array<char, 16> room;
  CHECK(style.wait(inbox.receive_from(room)).value().from == sender.local_endpoint());
}

TEST_CASE("udp: a socket at :: takes part in IPv4, on every reactor", "[net][udp]") {
  const auto program = []() -> task<> {
    const udp::socket both = udp::bind_now(endpoint("::", 0)),
                      strict = udp::bind_now(endpoint("::", 0), {.v6_only = true});
    const udp::socket v4 = udp::bind_now(endpoint::loopback());
    std::array<char, 16> room;
    co_await v4.send_to("ask", endpoint::loopback(both.local_endpoint().port()));
    const udp::datagram asked = co_await both.receive_from(room);
    CHECK(asked.from.to_string() == "[::ffff:127.0.0.1]:" + std::to_string(v4.local_endpoint().port()));
    CHECK(asked.from.unmapped() == v4.local_endpoint());
    co_await both.send_to("answer", asked.from);
    const udp::datagram answered = co_await v4.receive_from(room);
    CHECK(answered.from == endpoint::loopback(both.local_endpoint().port()));
    // Only an IPv4 socket can still have the port of one that is v6_only.
    CHECK_NOTHROW(udp::bind_now(endpoint("0.0.0.0", strict.local_endpoint().port())));
    CHECK_THROWS_AS(udp::bind_now(endpoint("0.0.0.0", both.local_endpoint().port())), std::system_error);
  };
  run(program);
  sim::world world(1);
  sim::host& host = world.add_host("here");
  world.run_on(host, program);
  // A simulated socket accepts the options, and knows no groups.
  const auto of_simulation = []() -> task<> {
    const udp::socket made =
        co_await udp::bind(endpoint("0.0.0.0", 0), {.reuse_port = true, .datagrams = all_set});
    CHECK_THROWS_WITH(made.join(endpoint("239.255.7.7", 80)),
                      contains("socket::join 239.255.7.7:80: Operation not supported"));
  };
  world.run_on(host, of_simulation);
}
