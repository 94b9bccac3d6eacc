#include "braid/net/tcp.hpp"

#include <netinet/tcp.h>

#include "braid/loop/direct_calls.hpp"
#include "socket_calls.hpp"

namespace braid::tcp {

namespace {

int send_at_once(int socket) noexcept {
  const int on = 1;
  return direct_calls::current().set_option(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

using braid::detail::name_of;

endpoint stream::local_endpoint() const {
  return name_of(number(), &direct_calls::local_name, "stream::local_endpoint");
}
endpoint stream::peer_endpoint() const {
  return name_of(number(), &direct_calls::peer_name, "stream::peer_endpoint");
}
endpoint listener::local_endpoint() const {
  return name_of(number(), &direct_calls::local_name, "listener::local_endpoint");
}

stream detail::accepted(int socket) noexcept {
  (void)send_at_once(
      socket);  // fails only where an adopted listener is not TCP, and the option means nothing
  return stream::from_descriptor(socket);
}

int detail::connect_outcome::prepare(request& what) noexcept {
  const int made = direct_calls::current().socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) return -made;
  socket = descriptor(made);
  (void)send_at_once(made);
  what.descriptor = socket.number();
  what.address = const_cast<sockaddr*>(to.data());
  what.offset = to.size();
  return 0;
}

listener listen_now(const endpoint& at, int backlog) {
  constexpr const char* call = "tcp::listen";
  direct_calls& system = direct_calls::current();
  const auto checked = [&](int ended) { return braid::detail::checked(ended, call, at); };
  descriptor socket(checked(system.socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)));
  const int on = 1;
  checked(system.set_option(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  checked(system.bind(socket.number(), at.data(), at.size()));
  checked(system.listen(socket.number(), backlog));
  return listener::from_descriptor(socket.release());
}

}  // namespace braid::tcp
