#pragma once

#include <cstddef>
#include <optional>

#include "braid/net/network_interface.hpp"

namespace braid::udp {

/// The options of a UDP socket. One that is empty leaves the socket as it is.
///
///     const udp::datagram_options far{.multicast_ttl = 4, .receive_buffer = 1 << 20};
///     const udp::socket clock = udp::connect_now(endpoint("192.0.2.1", 123), far);
///
/// Errors  an option that the system refuses is an error that names it.
/// Source  ip(7), ipv6(7), socket(7).
struct datagram_options {
  std::optional<bool> broadcast{};  ///< may it send to broadcast addresses? At first it may not
  std::optional<int> ttl{};  ///< how many routers pass a datagram on
  std::optional<int> multicast_ttl{};  ///< the same for one to a group; at first 1, this network
  std::optional<bool>
      multicast_loopback{};  ///< do this machine's members of a group get it too? At first yes
  std::optional<network_interface> multicast_interface{};  ///< through which one to a group leaves
  /// In bytes. The system may give more, or less: net.core.wmem_max and rmem_max are its limits.
  std::optional<std::size_t> send_buffer{};
  std::optional<std::size_t> receive_buffer{};
};

/// How bind makes a socket.
///
///     const udp::bind_options shared{.reuse_address = true, .datagrams = {.broadcast = true}};
///     const udp::socket inbox = udp::bind_now(endpoint("0.0.0.0", 5353), shared);
struct bind_options {
  /// Several sockets may have this endpoint; each gets the datagrams of the groups that it has joined.
  bool reuse_address = false;
  /// Several sockets, of one user's processes or loops, may have this endpoint. The system spreads the
  /// senders over them.
  bool reuse_port = false;
  /// A socket at :: takes part only in IPv6. Otherwise it takes part in IPv4 too, where its peers have
  /// IPv4-mapped addresses; see endpoint::unmapped.
  bool v6_only = false;
  datagram_options datagrams{};
};

}  // namespace braid::udp
