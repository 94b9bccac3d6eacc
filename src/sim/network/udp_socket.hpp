#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "network/datagrams.hpp"
#include "network/network.hpp"
#include "network/uplink.hpp"

namespace braid::sim::detail {

// A UDP socket of a simulated host. attempt() handles connect, send_message, receive_message, poll. A send
// never waits.
class udp_socket final : public socket_object {
 public:
  udp_socket(network& within, machine& on, int family) noexcept
      : network_(within), machine_(on), local_{family, 0, 0} {}
  ~udp_socket() override;

  std::optional<std::int32_t> attempt(const request& what) override;
  std::string describe() const override;
  void closed() noexcept override;
  void meets(const fault_schedule::hit& fault) noexcept override { next_meets_ = fault; }

  int bind(const sockaddr* address, socklen_t length) override;
  int listen(int backlog) override;
  int connect(const sockaddr* address, socklen_t length) override;
  int set_option(int level, int name, const void* value, socklen_t length) override;
  int local_name(sockaddr_storage& name) const override;
  int peer_name(sockaddr_storage& name) const override;

  // ---- for the network
  [[nodiscard]] host& its_host() const noexcept { return machine_.owner(); }
  // How well the socket matches the datagram's destination; 0: not at all.
  [[nodiscard]] int fits(const datagram& what) const noexcept;
  // False if it has no room.
  [[nodiscard]] bool takes(const datagram& what);
  // Called when a datagram from one name to the other found no socket there.
  void is_refused(const socket_name& from, const socket_name& to);

 private:
  std::int32_t send(const request& what);
  int transmit(const socket_name& to, std::string bytes, const std::optional<fault_schedule::hit>& met);
  std::optional<std::int32_t> receive(const request& what);
  std::optional<std::int32_t> poll(short wanted) const;
  int has_port();
  void has(std::shared_ptr<ports::binding> port);

  network& network_;
  machine& machine_;
  socket_name local_;
  std::optional<socket_name> peer_;
  std::shared_ptr<ports::binding> port_;
  bool shares_ = false;  // SO_REUSEADDR
  int error_ = 0;  // reported once

  uplink uplink_;
  std::optional<fault_schedule::hit> next_meets_;  // the fault of the next send
  std::deque<datagram> unread_;
  std::size_t unread_bytes_ = 0;
};

}  // namespace braid::sim::detail
