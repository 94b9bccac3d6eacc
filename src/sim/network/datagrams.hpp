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

// What is under way between the sockets of UDP, and which sockets there are. A datagram that cannot pass when
// it arrives, or that nobody has room for, is lost. Those between two hosts that arrive at the same time do
// so in the order in which they were sent.
class datagrams : pinned {
 public:
  explicit datagrams(network& within) : network_(within) {}

  // ---- for the sockets
  [[nodiscard]] ports& ports_of(const host& which) { return ports_[&which]; }
  // It has a port from now on, until it leaves.
  void add(udp_socket& made) { sockets_[&host_of(made)].push_back(&made); }
  void leave(udp_socket& which) noexcept;
  void send(host& from, host& to, datagram what, loop_clock::time_point departs);
  void note_loss(const host& at, const char* why, const datagram& what);

 private:
  [[nodiscard]] static host& host_of(const udp_socket& which) noexcept;
  [[nodiscard]] udp_socket* find(const host& at, const datagram& what) const;
  void one_lands(host& from, host& to);
  void refuse(host& at, host& sender, const datagram& what);

  // And which one it is of all that were sent.
  using moment = std::pair<loop_clock::time_point, std::uint64_t>;
  using way = std::map<moment, datagram>;

  network& network_;
  std::unordered_map<const host*, ports> ports_;  // all three are looked up, never gone through
  std::unordered_map<const host*, std::vector<udp_socket*>> sockets_;  // in the order they got their ports
  std::map<std::pair<const host*, const host*>, way> ways_;
  std::uint64_t sent_ = 0;
};

}  // namespace braid::sim::detail
