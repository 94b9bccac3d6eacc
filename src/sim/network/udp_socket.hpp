#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "network/datagrams.hpp"
#include "network/socket_object.hpp"
#include "network/uplink.hpp"

namespace braid::sim::detail {

// A UDP socket of a simulated host. attempt() handles connect, send_message, receive_message, poll. A send
// never waits.
class udp_socket final : public socket_object {
 public:
  udp_socket(network& within, machine& on, int family) noexcept : socket_object(within, on, family) {}
  ~udp_socket() override;

  std::optional<std::int32_t> attempt(const request& what) override;
  std::string describe() const override;
  void closed() noexcept override;
  void meets(const fault_schedule::hit& fault) noexcept override { next_meets_ = fault; }

  int listen(int) override { return -EOPNOTSUPP; }
  int connect(const sockaddr* address, socklen_t length) override;
  int set_option(int level, int name, const void* value, socklen_t length) override;
  int peer_name(sockaddr_storage& name) const override;

  // ---- for the network
  // How well the socket matches the datagram's destination; 0: not at all.
  [[nodiscard]] int fits(const datagram& what) const noexcept;
  // False if it has no room.
  [[nodiscard]] bool takes(const datagram& what);
  // Called when a datagram from one name to the other found no socket there.
  void is_refused(const socket_name& from, const socket_name& to);

 private:
  [[nodiscard]] ports& its_ports() const override { return network_.of_datagrams().ports_of(its_host()); }
  [[nodiscard]] bool may_bind() const noexcept override { return port_ == nullptr; }
  void on_port() override { network_.of_datagrams().add(*this); }
  [[nodiscard]] bool ignores(int level, int name) const noexcept override;
  std::int32_t send(const request& what);
  int transmit(const socket_name& to, std::string bytes, const std::optional<fault_schedule::hit>& met);
  std::optional<std::int32_t> receive(const request& what);
  std::optional<std::int32_t> poll(short wanted) const;

  std::optional<socket_name> peer_;
  int error_ = 0;  // reported once

  uplink uplink_;
  std::optional<fault_schedule::hit> next_meets_;  // the fault of the next send
  std::deque<datagram> unread_;
  std::size_t unread_bytes_ = 0;
};

}  // namespace braid::sim::detail
