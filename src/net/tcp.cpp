#include "braid/net/tcp.hpp"

#include <netinet/tcp.h>

#include <cerrno>
#include <system_error>

namespace braid::tcp {

namespace {

void send_at_once(int socket) noexcept {
  const int on = 1;
  // It fails only for sockets that are not TCP: adopted ones, where it has no meaning.
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

[[noreturn]] void fail(const char* call, const std::string& object) {
  const std::error_code code(errno, std::generic_category());
  error(code, call, object).rethrow();
}

endpoint name_of(int socket, int (*ask)(int, sockaddr*, socklen_t*), const char* call) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (ask(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) fail(call, describe(socket));
  return endpoint(address);
}

}  // namespace

endpoint stream::local_endpoint() const {
  return name_of(
      number(), [](int s, sockaddr* a, socklen_t* l) { return ::getsockname(s, a, l); },
      "stream::local_endpoint");
}
endpoint stream::peer_endpoint() const {
  return name_of(
      number(), [](int s, sockaddr* a, socklen_t* l) { return ::getpeername(s, a, l); },
      "stream::peer_endpoint");
}
endpoint listener::local_endpoint() const {
  return name_of(
      number(), [](int s, sockaddr* a, socklen_t* l) { return ::getsockname(s, a, l); },
      "listener::local_endpoint");
}

stream detail::accepted(int socket) noexcept {
  send_at_once(socket);
  return stream::from_descriptor(socket);
}

int detail::connect_outcome::place(request& what) noexcept {
  socket = descriptor(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno;
  send_at_once(socket.number());
  what.descriptor = socket.number();
  what.address = const_cast<sockaddr*>(to.data());
  what.offset = to.size();
  return 0;
}

listener listen_now(const endpoint& at, int backlog) {
  constexpr const char* call = "tcp::listen";
  descriptor socket(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) fail(call, at.to_string());
  const int on = 1;
  if (::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.number(), at.data(), at.size()) != 0 || ::listen(socket.number(), backlog) != 0)
    fail(call, at.to_string());
  return listener::from_descriptor(socket.release());
}

}  // namespace braid::tcp
