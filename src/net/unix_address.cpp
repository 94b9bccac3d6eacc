#include "braid/net/unix_address.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "socket_calls.hpp"

namespace braid::unix_domain {

namespace {

[[noreturn]] void refuse(int code, std::string what) {
  braid::detail::fail(code, "unix_domain::address", std::move(what));
}

}  // namespace

// The size of a path counts its zero byte, as Linux returns it. text() is without it.
address::address(std::string_view text, bool is_abstract) {
  const std::string quoted = "'" + std::string(text) + "'";
  if (text.size() > most_bytes)
    refuse(ENAMETOOLONG, quoted + " of " + std::to_string(text.size()) + " bytes, where " +
                             std::to_string(most_bytes) + " is the limit");
  if (text.empty()) refuse(EINVAL, "''");
  if (text.find('\0') != std::string_view::npos) refuse(EINVAL, "with a zero byte in it");
  std::memcpy(address_.sun_path + (is_abstract ? 1 : 0), text.data(), text.size());
  size_ += static_cast<socklen_t>(text.size() + (is_abstract ? 1 : 0));
}

// Linux ends a path with a zero byte; an abstract name ends with the last byte that is not zero.
address::address(const sockaddr_un& from, socklen_t size) {
  if (size < sizeof from.sun_family) return;  // the sender of a datagram has no address
  if (from.sun_family != AF_UNIX) refuse(EAFNOSUPPORT, "of family " + std::to_string(from.sun_family));
  std::size_t length = std::min<std::size_t>(size, sizeof from) - offsetof(sockaddr_un, sun_path);
  if (length != 0 && from.sun_path[0] != '\0') length = ::strnlen(from.sun_path, length);
  while (length != 0 && from.sun_path[length - 1] == '\0') --length;
  std::memcpy(address_.sun_path, from.sun_path, length);
  size_ += static_cast<socklen_t>(length);
}

std::string address::path() const { return is_path() ? std::string(text()) : std::string(); }

std::string address::to_string() const {
  if (text().empty()) return "unnamed";
  return is_path() ? path() : "@" + std::string(text().substr(1));
}

}  // namespace braid::unix_domain
