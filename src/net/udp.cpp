#include "braid/net/udp.hpp"

#include <netinet/in.h>

#include <cstring>
#include <string>

#include "braid/loop/direct_calls.hpp"
#include "socket_calls.hpp"
#include "socket_options.hpp"

namespace braid::udp {

using braid::detail::checked;
using braid::detail::name_of;

endpoint socket::local_endpoint() const {
  return name_of(number(), &direct_calls::local_name, "socket::local_endpoint");
}
endpoint socket::peer_endpoint() const {
  return name_of(number(), &direct_calls::peer_name, "socket::peer_endpoint");
}

namespace {

void set_multicast_interface(braid::detail::option_setter& setter, bool v6,
                             network_interface which) noexcept {
  constexpr const char* name = "multicast_interface";
  if (v6) {
    setter.set(name, IPPROTO_IPV6, IPV6_MULTICAST_IF, which.index());
    return;
  }
  ip_mreqn v4{};
  v4.imr_ifindex = static_cast<int>(which.index());
  setter.set_bytes(name, IPPROTO_IP, IP_MULTICAST_IF, &v4, sizeof v4);
}

void set_datagram_options(braid::detail::option_setter& setter, int family,
                          const datagram_options& how) noexcept {
  const bool v6 = family == AF_INET6;
  const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  if (how.broadcast) setter.set("broadcast", SOL_SOCKET, SO_BROADCAST, *how.broadcast ? 1 : 0);
  if (how.ttl) setter.set("ttl", level, v6 ? IPV6_UNICAST_HOPS : IP_TTL, *how.ttl);
  if (how.multicast_ttl)
    setter.set("multicast_ttl", level, v6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL, *how.multicast_ttl);
  if (how.multicast_loopback)
    setter.set("multicast_loopback", level, v6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP,
               *how.multicast_loopback ? 1 : 0);
  if (how.multicast_interface) set_multicast_interface(setter, v6, *how.multicast_interface);
  if (how.send_buffer) setter.set("send_buffer", SOL_SOCKET, SO_SNDBUF, *how.send_buffer);
  if (how.receive_buffer) setter.set("receive_buffer", SOL_SOCKET, SO_RCVBUF, *how.receive_buffer);
}

// By default Linux gives a socket the datagrams of all groups that any socket of the machine has joined.
// Older kernels lack the option for IPv6.
void receive_only_joined(int socket, bool v6) noexcept {
  constexpr int ipv6_multicast_all = 29;  // Linux 4.20
  const int off = 0;
  (void)direct_calls::current().set_option(socket, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                           v6 ? ipv6_multicast_all : IP_MULTICAST_ALL, &off, sizeof off);
}

void change_group(int socket, bool joins, const endpoint& group, network_interface on) {
  const bool v6 = group.family() == AF_INET6;
  int ended = 0;
  if (joins) receive_only_joined(socket, v6);
  if (v6) {
    sockaddr_in6 address;
    std::memcpy(&address, group.data(), sizeof address);
    const ipv6_mreq what{address.sin6_addr, on.index() != 0 ? on.index() : address.sin6_scope_id};
    ended = direct_calls::current().set_option(
        socket, IPPROTO_IPV6, joins ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP, &what, sizeof what);
  } else {
    sockaddr_in address;
    std::memcpy(&address, group.data(), sizeof address);
    const ip_mreqn what{address.sin_addr, {}, static_cast<int>(on.index())};
    ended = direct_calls::current().set_option(
        socket, IPPROTO_IP, joins ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &what, sizeof what);
  }
  if (ended >= 0) return;
  const std::string place = on.index() != 0 ? " on interface " + std::to_string(on.index()) : "";
  braid::detail::fail(-ended, joins ? "socket::join" : "socket::leave", group.to_string() + place);
}

}  // namespace

void socket::set_options(const datagram_options& options) const {
  sockaddr_storage name{};
  const int failed = direct_calls::current().local_name(number(), name);
  if (failed < 0) braid::detail::fail(-failed, "socket::set_options", describe(number()));
  braid::detail::option_setter setter(number());
  set_datagram_options(setter, name.ss_family, options);
  if (setter.refused() != nullptr) setter.check("socket::set_options", describe(number()));
}

void socket::join(const endpoint& group, network_interface on) const {
  change_group(number(), true, group, on);
}
void socket::leave(const endpoint& group, network_interface on) const {
  change_group(number(), false, group, on);
}

socket bind_now(const endpoint& at, const bind_options& how) {
  constexpr const char* call = "udp::bind";
  direct_calls& system = direct_calls::current();
  socket made =
      socket::from_descriptor(checked(system.socket(at.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0), call, at));
  braid::detail::option_setter setter(made.number());
  if (how.reuse_address) setter.set("reuse_address", SOL_SOCKET, SO_REUSEADDR, 1);
  if (how.reuse_port) setter.set("reuse_port", SOL_SOCKET, SO_REUSEPORT, 1);
  if (how.v6_only || at.family() == AF_INET6)
    setter.set("v6_only", IPPROTO_IPV6, IPV6_V6ONLY, how.v6_only ? 1 : 0);
  set_datagram_options(setter, at.family(), how.datagrams);
  if (setter.refused() != nullptr) setter.check(call, at.to_string());
  checked(system.bind(made.number(), at.data(), at.size()), call, at);
  return made;
}

socket connect_now(const endpoint& to, const datagram_options& how) {
  constexpr const char* call = "udp::connect";
  direct_calls& system = direct_calls::current();
  socket made =
      socket::from_descriptor(checked(system.socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0), call, to));
  braid::detail::option_setter setter(made.number());
  set_datagram_options(setter, to.family(), how);
  if (setter.refused() != nullptr) setter.check(call, to.to_string());
  checked(system.connect(made.number(), to.data(), to.size()), call, to);
  return made;
}

}  // namespace braid::udp
