#include "network/socket_object.hpp"

#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace braid::sim::detail {

int socket_object::bind(const sockaddr* address, socklen_t length) {
  socket_name name;
  if (const int failed = read_name(family_, address, length, name); failed < 0) return failed;
  if (name.family != family_ && v6_only_) return -EINVAL;
  if (!name.is_any() && !name.is_loopback() && name.with_port(0) != name_of(machine_.address()))
    return -EADDRNOTAVAIL;
  if (!may_bind()) return -EINVAL;
  return take_port(name) ? 0 : -EADDRINUSE;
}

bool socket_object::take_port(const socket_name& name) {
  auto port = its_ports().bind(name, shares_, is_dual(), network_.now());
  if (port == nullptr) return false;
  port_ = std::move(port);
  local_ = port_->name();
  on_port();
  return true;
}

int socket_object::set_option(int level, int name, const void* value, socklen_t length) {
  int number = 0;
  if (length < static_cast<socklen_t>(sizeof number)) return -EINVAL;
  if (ignores(level, name)) return 0;
  std::memcpy(&number, value, sizeof number);
  if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY && family_ == AF_INET6) {
    if (port_ != nullptr) return -EINVAL;
    v6_only_ = number != 0;
    return 0;
  }
  if (level != SOL_SOCKET || name != SO_REUSEADDR) return -ENOPROTOOPT;
  shares_ = number != 0;
  if (port_ != nullptr) port_->set_shares(shares_);
  return 0;
}

int socket_object::local_name(sockaddr_storage& name) const {
  write_name(family_, local_, name);
  return 0;
}

int socket_object::read_target(const sockaddr* address, socklen_t length, socket_name& to) const noexcept {
  const int failed = read_name(family_, address, length, to);
  if (failed < 0) return failed == -EADDRNOTAVAIL ? -ENETUNREACH : failed;
  if (to.family != family_ && v6_only_) return -ENETUNREACH;
  if (to.family != local_.family && !local_.is_any()) return -EINVAL;
  if (to.is_any()) to = loopback(to.family).with_port(to.port);
  return 0;
}

socket_name socket_object::source_for(const socket_name& to) const noexcept {
  return to.is_loopback() ? loopback(to.family) : name_of(machine_.address());
}

}  // namespace braid::sim::detail
