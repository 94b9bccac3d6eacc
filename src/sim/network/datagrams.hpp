#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "network/network.hpp"

namespace braid::sim::detail {

class udp_socket;

struct datagram {
  socket_name from, to;
  std::string bytes;
};

// The UDP sockets and the datagrams on their way between them. A datagram is lost if its host is down or cut
// off when it arrives, or if the socket has no room. If no socket has the port, it is refused, and a
// connected socket that sent it gets the refusal. Datagrams between two hosts that arrive at the same time do
// so in the order in which they were sent.
class datagrams : pinned {
 public:
  explicit datagrams(network& within) : network_(within) {}

  // ---- for the sockets
  [[nodiscard]] ports& ports_of(const host& which) { return ports_[&which]; }
  // Called when the socket gets a port; it keeps it until leave().
  void add(udp_socket& made) { sockets_[&host_of(made)].push_back(&made); }
  void leave(udp_socket& which) noexcept;
  void send(host& from, host& to, datagram what, loop_clock::time_point departs);
  void note_loss(const host& at, const char* why, const datagram& what);

 private:
  [[nodiscard]] static host& host_of(const udp_socket& which) noexcept;
  [[nodiscard]] udp_socket* find(const host& at, const datagram& what) const;
  void one_lands(host& from, host& to);
  void refuse(host& at, host& sender, const datagram& what);

  // The time of arrival, and the number among all datagrams that were sent.
  using moment = std::pair<loop_clock::time_point, std::uint64_t>;
  using way = std::map<moment, datagram>;

  network& network_;
  std::unordered_map<const host*, ports> ports_;  // all three maps are used for lookups only, never iterated
  std::unordered_map<const host*, std::vector<udp_socket*>> sockets_;  // in the order of their ports
  std::map<std::pair<const host*, const host*>, way> ways_;
  std::uint64_t sent_ = 0;
};

}  // namespace braid::sim::detail
