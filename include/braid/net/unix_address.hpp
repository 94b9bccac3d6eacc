#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace braid::unix_domain {

/// The address of a Unix-domain socket: a path, an abstract name of Linux, which needs no file, or nothing.
///
///     const unix_domain::address here = "/run/app.sock", hidden = unix_domain::address::abstract("app");
///     log(here.to_string() + " or " + hidden.to_string());  // "/run/app.sock or @app"
class address {
 public:
  /// A path or an abstract name has at most so many bytes.
  static constexpr std::size_t most_bytes = sizeof(sockaddr_un::sun_path) - 1;

  /// The address of a socket without one. A listener there gets an abstract name that the system chooses.
  address() noexcept = default;
  /// A path. Throws std::system_error: filename_too_long when it has more than most_bytes bytes, and
  /// invalid_argument when it is empty or has a zero byte.
  template <std::convertible_to<std::string_view> Text>
  address(const Text& path) : address(std::string_view(path), false) {}
  /// From an address that a system call filled in. Throws std::system_error for another family.
  address(const sockaddr_un& from, socklen_t size);
  /// A name that all processes of the same network namespace see, whatever their users and folders. It is
  /// free again as soon as its socket is closed. Throws like a path.
  [[nodiscard]] static address abstract(std::string_view name) { return {name, true}; }

  /// The path; empty when it has none.
  [[nodiscard]] std::string path() const;
  /// "/run/app.sock", "@name", or "unnamed".
  [[nodiscard]] std::string to_string() const;

  /// For system calls.
  [[nodiscard]] const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&address_); }
  [[nodiscard]] socklen_t size() const noexcept { return size_; }

  friend bool operator==(const address& left, const address& right) noexcept {
    return left.text() == right.text();
  }

 private:
  address(std::string_view text, bool is_abstract);
  // All bytes of the name, with the zero byte before an abstract one.
  [[nodiscard]] std::string_view text() const noexcept {
    return {address_.sun_path, size_ - offsetof(sockaddr_un, sun_path)};
  }
  [[nodiscard]] bool is_path() const noexcept { return !text().empty() && text().front() != '\0'; }

  sockaddr_un address_{.sun_family = AF_UNIX, .sun_path = {}};
  socklen_t size_ = offsetof(sockaddr_un, sun_path);
};

}  // namespace braid::unix_domain
