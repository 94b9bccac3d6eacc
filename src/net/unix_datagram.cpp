#include "braid/net/unix_datagram.hpp"

#include "braid/loop/direct_calls.hpp"
#include "braid/net/detail/unix_outcomes.hpp"
#include "socket_calls.hpp"

namespace braid::unix_domain {

using braid::detail::fail;

namespace {

descriptor make_socket(const char* call, const address& object) {
  const int made = direct_calls::current().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (made < 0) fail(-made, call, object.to_string());
  return descriptor(made);
}

}  // namespace

void detail::send_now(int socket, readable_bytes from, const address& to) {
  braid::detail::message whole = braid::detail::message_of(from);
  request what{.code = opcode::send_message};
  (void)whole.prepare(what, to.data(), to.size());
  const int ended = direct_calls::current().send_message(socket, whole.header, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (ended < 0) fail(-ended, "datagram::send_to", to.to_string());
}

datagram datagram::bind_now(const address& at, bool replace_stale) {
  constexpr const char* call = "datagram::bind";
  descriptor socket = make_socket(call, at);
  detail::socket_file file = detail::bind_to(socket.number(), SOCK_DGRAM, at, replace_stale, call);
  return {std::move(socket), std::move(file)};
}

datagram datagram::connect_now(const address& to, const address& own) {
  constexpr const char* call = "datagram::connect";
  descriptor socket = make_socket(call, to);
  detail::socket_file file = detail::bind_to(socket.number(), SOCK_DGRAM, own, false, call);
  const int ended = direct_calls::current().connect(socket.number(), to.data(), to.size());
  if (ended < 0) fail(-ended, call, to.to_string());
  return {std::move(socket), std::move(file)};
}

address datagram::local_address() const { return detail::local_address(number(), "datagram::local_address"); }

}  // namespace braid::unix_domain
