#include "network/socket_name.hpp"

#include <arpa/inet.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace braid::sim::detail {

std::string socket_name::address_text() const {
  const in_addr v4{htonl(address)};
  std::array<char, INET_ADDRSTRLEN> text{};
  return ::inet_ntop(AF_INET, &v4, text.data(), text.size());
}

std::string socket_name::to_string() const {
  const std::string where = family == AF_INET ? address_text() : address == 0 ? "[::]" : "[::1]";
  return where + ":" + std::to_string(port);
}

socket_name loopback(int family) noexcept { return {family, family == AF_INET6 ? 1 : INADDR_LOOPBACK, 0}; }

socket_name name_of(const std::string& address) noexcept {
  in_addr v4{};
  ::inet_pton(AF_INET, address.c_str(), &v4);
  return {AF_INET, ntohl(v4.s_addr), 0};
}

int read_name(int family, const sockaddr* address, socklen_t length, socket_name& name) noexcept {
  constexpr socklen_t least_v6 = 24;  // without the scope, as in RFC 2133
  if (length < (family == AF_INET6 ? least_v6 : static_cast<socklen_t>(sizeof(sockaddr_in)))) return -EINVAL;
  if (address->sa_family != family) return -EAFNOSUPPORT;
  if (family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    name = {AF_INET, ntohl(v4.sin_addr.s_addr), ntohs(v4.sin_port)};
    return 0;
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, least_v6);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    std::uint32_t v4 = 0;
    std::memcpy(&v4, &v6.sin6_addr.s6_addr[12], sizeof v4);
    name = {AF_INET, ntohl(v4), ntohs(v6.sin6_port)};
    return 0;
  }
  if (!IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr) && !IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) return -EADDRNOTAVAIL;
  name = {AF_INET6, IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ? 1u : 0u, ntohs(v6.sin6_port)};
  return 0;
}

void write_name(int family, const socket_name& name, sockaddr_storage& to) noexcept {
  to = {};
  if (family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(name.port);
    v4.sin_addr.s_addr = htonl(name.address);
    std::memcpy(&to, &v4, sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(name.port);
    if (name.family == AF_INET) {
      const std::uint32_t v4 = htonl(name.address);
      v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
      std::memcpy(&v6.sin6_addr.s6_addr[12], &v4, sizeof v4);
    } else if (name.address != 0) {
      v6.sin6_addr = in6addr_loopback;
    }
    std::memcpy(&to, &v6, sizeof v6);
  }
}

}  // namespace braid::sim::detail
