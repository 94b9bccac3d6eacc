#include "network/network.hpp"

#include <netinet/in.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "network/connection.hpp"
#include "network/datagrams.hpp"
#include "network/tcp_socket.hpp"
#include "network/udp_socket.hpp"

namespace braid::sim::detail {

network::network(world& in, timeline& time)
    : world_(in), time_(time), datagrams_(std::make_unique<datagrams>(*this)) {}
network::~network() = default;

std::shared_ptr<socket_object> network::make_socket(machine& on, int family, int type, int protocol,
                                                    int& failed) {
  const int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
  failed = 0;
  if (family == AF_UNIX)
    failed = -EOPNOTSUPP;
  else if (family != AF_INET && family != AF_INET6)
    failed = -EAFNOSUPPORT;
  else if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
    failed = -ESOCKTNOSUPPORT;
  else if (protocol != 0 && protocol != (kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
    failed = -EPROTONOSUPPORT;
  if (failed != 0) return nullptr;
  if (kind == SOCK_DGRAM) return std::make_shared<udp_socket>(*this, on, family);
  return std::make_shared<tcp_socket>(*this, on, family);
}

void network::lose_power(machine& which) {
  const host& its = which.owner();
  for (const auto& [number, each] : connections_) each->lose_power(its);
  ports_of(its).clear();
}

void network::joined(machine& one, machine& other) {
  for (const auto& [number, each] : connections_) each->joined(one.owner(), other.owner());
}

// The hosts' network is 10.0.0.0/16. An unused address inside it is an unreachable host; any other address is
// an unreachable network.
host* network::find(const socket_name& name, host& from, int& failed) const {
  if (name.is_loopback()) return &from;
  failed = -ENETUNREACH;
  constexpr std::uint32_t hosts = 10u << 24, mask = 0xffff0000;
  if (name.family != AF_INET || (name.address & mask) != hosts) return nullptr;
  failed = -EHOSTUNREACH;
  return world_.find(name.address_text());
}

bool network::passes(const host& from, const host& to) const noexcept {
  return to.up() && !world_.are_apart(from, to);
}

loop_clock::duration network::latency(const host& from, const host& to) {
  if (&from == &to) return {};
  return world_.draws().between(options().least_latency, options().most_latency);
}

loop_clock::duration network::least_latency(const host& from, const host& to) const noexcept {
  return &from == &to ? loop_clock::duration() : options().least_latency;
}

std::uint64_t network::add(connection& made) {
  connections_.emplace(++made_, &made);
  return made_;
}

}  // namespace braid::sim::detail
