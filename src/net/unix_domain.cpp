#include "braid/net/unix_domain.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "braid/loop/direct_calls.hpp"
#include "socket_calls.hpp"

namespace braid::unix_domain {

using braid::detail::fail;

namespace {

// Minus the errno of a socket that connects there: ECONNREFUSED when nothing uses the path.
int try_to_connect(int type, const address& to) noexcept {
  direct_calls& system = direct_calls::current();
  const int made = system.socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (made < 0) return made;
  const int ended = system.connect(made, to.data(), to.size());
  system.close(made);
  return ended;
}

// connect(2) refuses a path that is no socket's, too.
bool is_socket(const std::string& path) noexcept {
  struct stat found;
  return ::lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode);
}

}  // namespace

credentials stream::peer_credentials() const {
  ucred found{};
  socklen_t size = sizeof found;
  const int ended = direct_calls::current().get_option(number(), SOL_SOCKET, SO_PEERCRED, &found, size);
  if (ended < 0) fail(-ended, "stream::peer_credentials", describe(number()));
  if (found.pid == 0) fail(ENOTCONN, "stream::peer_credentials", describe(number()));
  return {found.pid, found.uid, found.gid};
}

int detail::connect_outcome::prepare(request& what) noexcept {
  const int made = direct_calls::current().socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) return -made;
  socket = descriptor(made);
  what.descriptor = made;
  what.address = const_cast<sockaddr*>(to.data());
  what.offset = to.size();
  return 0;
}

detail::socket_file detail::bind_to(int socket, int type, const address& at, bool replace_stale,
                                    const char* call) {
  direct_calls& system = direct_calls::current();
  const std::string path = at.path();
  int ended = system.bind(socket, at.data(), at.size());
  if (ended == -EADDRINUSE && replace_stale && is_socket(path)) {
    const int found = try_to_connect(type, at);
    if (found == -EMFILE || found == -ENFILE) fail(-found, call, at.to_string());
    if (found == -ECONNREFUSED && ::unlink(path.c_str()) != 0 && errno != ENOENT)
      fail(errno, call, "the stale " + path);
    if (found == -ECONNREFUSED || found == -ENOENT) ended = system.bind(socket, at.data(), at.size());
  }
  if (ended < 0) fail(-ended, call, at.to_string());
  return path.empty() ? socket_file() : socket_file(path);
}

address detail::local_address(int socket, const char* call) {
  sockaddr_storage name{};
  const int failed = direct_calls::current().local_name(socket, name);
  if (failed < 0) fail(-failed, call, describe(socket));
  sockaddr_un found;
  std::memcpy(&found, &name, sizeof found);
  return {found, sizeof found};
}
address listener::local_address() const { return detail::local_address(number(), "listener::local_address"); }

incoming::incoming(const listener& at) : arrivals_(braid::detail::arrivals_at(at.descriptor_)) {}

listener listen_now(const address& at, const listen_options& how) {
  constexpr const char* call = "unix_domain::listen";
  direct_calls& system = direct_calls::current();
  const int made = system.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) fail(-made, call, at.to_string());
  descriptor socket(made);
  detail::socket_file file = detail::bind_to(made, SOCK_STREAM, at, how.replace_stale, call);
  if (const int ended = system.listen(made, how.backlog); ended < 0) fail(-ended, call, at.to_string());
  return {std::move(socket), std::move(file)};
}

}  // namespace braid::unix_domain
