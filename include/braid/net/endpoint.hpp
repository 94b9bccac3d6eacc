#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "braid/base/result.hpp"

namespace braid {

/// An IPv4 or IPv6 address and a port. An IPv6 address has its scope. A value of 28 bytes.
///
///     const endpoint here = endpoint::loopback(8080), there("::1", 443);
///     const result<endpoint> given = endpoint::parse("192.0.2.1:80");
///     log(given ? given->to_string() : given.error().message());
class endpoint {
 public:
  /// 0.0.0.0:0
  endpoint() noexcept;
  /// From "127.0.0.1", "::1", "fe80::1%eth0" or "fe80::1%2", and a port. Throws std::system_error
  /// (invalid_argument) for anything else, including a name that no interface has. Host names need resolve.
  endpoint(std::string_view address, std::uint16_t port);
  /// From an address that a system call filled in. Throws std::system_error for another family.
  explicit endpoint(const sockaddr_storage& from);

  /// From "127.0.0.1:80", "[::1]:80" or "[fe80::1%eth0]:80".
  [[nodiscard]] static result<endpoint> parse(std::string_view text);
  /// 127.0.0.1. With port 0 the system chooses the port.
  [[nodiscard]] static endpoint loopback(std::uint16_t port = 0);

  /// AF_INET or AF_INET6.
  [[nodiscard]] int family() const noexcept { return address_.v6.sin6_family; }
  [[nodiscard]] std::uint16_t port() const noexcept { return ntohs(address_.v6.sin6_port); }
  /// The IPv4 endpoint that an IPv6 one with an IPv4-mapped address stands for; any other is returned as it
  /// is. A listener at :: sees its IPv4 peers under such addresses, and a log shows them better without.
  [[nodiscard]] endpoint unmapped() const noexcept;
  /// The text that parse reads, with the port. A link-local address shows its scope as the interface's name,
  /// if this machine has such an interface, and else as a number.
  [[nodiscard]] std::string to_string() const;

  /// For system calls.
  [[nodiscard]] const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&address_); }
  [[nodiscard]] socklen_t size() const noexcept {
    return family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  }

  /// Equal in family, address, scope and port.
  friend bool operator==(const endpoint& left, const endpoint& right) noexcept;

 private:
  union {
    sockaddr_in v4;
    sockaddr_in6 v6;  // has family and port at the same place as v4
  } address_;
};

}  // namespace braid
