#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace braid::sim::detail {

// An address and a port. There are only two IPv6 addresses, :: and ::1: IPv6 does not leave its host, since a
// simulated network is one of IPv4.
struct socket_name {
  int family = AF_INET;
  std::uint32_t address = 0;  // IPv4 in the host's byte order; 0 for ::, 1 for ::1
  std::uint16_t port = 0;

  [[nodiscard]] bool is_any() const noexcept { return address == 0; }
  [[nodiscard]] bool is_loopback() const noexcept {
    return family == AF_INET6 ? address == 1 : address >> 24 == IN_LOOPBACKNET;
  }
  [[nodiscard]] socket_name with_port(std::uint16_t other) const noexcept { return {family, address, other}; }
  // "127.0.0.1:80" or "[::1]:80"
  [[nodiscard]] std::string to_string() const;
  // "127.0.0.1"; only for IPv4
  [[nodiscard]] std::string address_text() const;

  friend bool operator==(const socket_name&, const socket_name&) = default;
};

// 127.0.0.1 or ::1
[[nodiscard]] socket_name loopback(int family) noexcept;
// "10.0.0.1", port 0
[[nodiscard]] socket_name name_of(const std::string& address) noexcept;

// Reads the address that a program gives bind or connect. An IPv4 address that an IPv6 socket writes as
// ::ffff:10.0.0.1 is that IPv4 address. Returns 0, or their negative errno for it: EADDRNOTAVAIL for an IPv6
// address other than :: and ::1.
[[nodiscard]] int read_name(int family, const sockaddr* address, socklen_t length,
                            socket_name& name) noexcept;
// Writes it as a socket of that family does.
void write_name(int family, const socket_name& name, sockaddr_storage& to) noexcept;

}  // namespace braid::sim::detail
