#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "network/tcp_end.hpp"
#include "network/wire.hpp"

namespace braid::sim::detail {

// A TCP connection: two ends and the segments on their way between them. The sockets of the ends, the
// listener that it waits at, and the segments on their way keep it alive.
class connection : public std::enable_shared_from_this<connection>, pinned {
 public:
  connection(network& within, host& client, const socket_name& from, host& server, const socket_name& to);
  ~connection();

  [[nodiscard]] network& within() const noexcept { return network_; }
  [[nodiscard]] tcp_end& client() noexcept { return ends_[0]; }
  [[nodiscard]] tcp_end& server() noexcept { return ends_[1]; }
  [[nodiscard]] tcp_end& end(int which) noexcept { return ends_[which]; }
  [[nodiscard]] loop_clock::time_point given_up() const noexcept;  // when the handshake fails

  // ---- for the network
  void lose_power(const host& which);
  void joined(const host& one, const host& other);

  // ---- for its wires: direction 0 is from the client to the server

  // False if the segment would be dropped now.
  [[nodiscard]] bool may_arrive(int direction, const segment& what);
  void arrives(int direction, const segment& what) { ends_[1 - direction].arrives(what); }
  void is_given_up(int direction, const segment& what);
  void is_cut_off(int direction) noexcept { ends_[1 - direction].is_left_half_open(); }

 private:
  network& network_;
  const std::uint64_t number_;
  const loop_clock::time_point begun_;
  tcp_end ends_[2];
};

}  // namespace braid::sim::detail
