#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "machine.hpp"
#include "network/ports.hpp"
#include "network/socket_name.hpp"
#include "schedule/timeline.hpp"

namespace braid::sim::detail {

class connection;
class datagrams;

class socket_object;

// The network between the hosts: listeners, connections and datagrams.
class network : pinned {
 public:
  network(world& in, timeline& time);
  ~network();

  // A socket, or null with the negative errno in `failed`.
  std::shared_ptr<socket_object> make_socket(machine& on, int family, int type, int protocol, int& failed);
  // Its sockets vanish without notice; the host answers what is sent to them with a reset.
  void lose_power(machine& which);
  // Called when the partition of two hosts ends: sends what was held back.
  void joined(machine& one, machine& other);

  // ---- for its sockets and connections

  // The TCP ports of the host.
  [[nodiscard]] ports& ports_of(const host& which) { return ports_[&which]; }
  [[nodiscard]] datagrams& of_datagrams() noexcept { return *datagrams_; }
  // The host with this address as `from` sees it, or null with the negative errno in `failed`.
  [[nodiscard]] host* find(const socket_name& name, host& from, int& failed) const;
  // True if a segment that reaches the host now would arrive.
  [[nodiscard]] bool passes(const host& from, const host& to) const noexcept;
  void at(loop_clock::time_point when, unique_function<void()> f) { time_.at(when, std::move(f)); }
  [[nodiscard]] loop_clock::time_point now() const noexcept { return time_.now(); }
  [[nodiscard]] const network_options& options() const noexcept { return world_.options().network; }
  // How long a segment is on its way. Within a host it takes no time.
  [[nodiscard]] loop_clock::duration latency(const host& from, const host& to);
  [[nodiscard]] loop_clock::duration least_latency(const host& from, const host& to) const noexcept;
  // Adds an entry to the trace.
  void note(const host& at, const char* what, std::int64_t value) {
    time_.note(at, {what, opcode::nop, -1, value});
  }
  [[nodiscard]] std::uint64_t add(connection& made);
  void remove(std::uint64_t number) { connections_.erase(number); }

 private:
  world& world_;
  timeline& time_;
  std::unordered_map<const host*, ports> ports_;  // used for lookups only, never iterated
  std::uint64_t made_ = 0;
  std::map<std::uint64_t, connection*> connections_;  // in the order in which they were made
  const std::unique_ptr<datagrams> datagrams_;
};

}  // namespace braid::sim::detail
