#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string>

#include "braid/loop/direct_calls.hpp"

namespace braid {

namespace {

// "127.0.0.1:80", "[::1]:80", "/run/app.sock", "@app", or empty for other families and a socket without name.
std::string address_text(const sockaddr_storage& address, socklen_t length) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  constexpr socklen_t before_name = offsetof(sockaddr_un, sun_path);
  if (address.ss_family == AF_UNIX && length > before_name) {
    const auto& name = reinterpret_cast<const sockaddr_un&>(address).sun_path;
    const std::size_t size = std::min<std::size_t>(length - before_name, sizeof name);
    return name[0] != '\0' ? std::string(name, ::strnlen(name, size)) : "@" + std::string(name + 1, size - 1);
  }
  return {};
}

// The peer's address, or the socket's own when it has no peer, or one without a name.
std::string socket_text(int descriptor) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  std::string text;
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &length) == 0)
    text = address_text(address, length);
  length = sizeof address;
  if (text.empty() && ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) == 0)
    text = address_text(address, length);
  return text;
}

}  // namespace

std::string direct_calls::describe(int descriptor) {
  const std::string number = "descriptor " + std::to_string(descriptor);
  if (descriptor < 0) return number;
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
  if (length <= 0) return number;
  std::string target(path.data(), static_cast<std::size_t>(length));
  if (target.starts_with('/')) return target;
  if (target.starts_with("socket:"))
    if (std::string text = socket_text(descriptor); !text.empty()) return text;
  return number + " (" + target + ")";
}

}  // namespace braid
