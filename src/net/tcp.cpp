#include "braid/net/tcp.hpp"

#include <netinet/tcp.h>

#include "braid/loop/direct_calls.hpp"
#include "socket_calls.hpp"
#include "stream_options.hpp"

namespace braid::tcp {

namespace {

int set_flag(int socket, int name) noexcept {
  const int on = 1;
  return direct_calls::current().set_option(socket, IPPROTO_TCP, name, &on, sizeof on);
}
int send_at_once(int socket) noexcept { return set_flag(socket, TCP_NODELAY); }

}  // namespace

using braid::detail::name_of;

// A socket that is adopted may be none of TCP's, and have no such option: it is closed.
int detail::abort_outcome::prepare(const request& what) noexcept {
  const linger none{1, 0};
  (void)direct_calls::current().set_option(what.descriptor, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  return 0;
}

endpoint stream::local_endpoint() const {
  return name_of(number(), &direct_calls::local_name, "stream::local_endpoint");
}
endpoint stream::peer_endpoint() const {
  return name_of(number(), &direct_calls::peer_name, "stream::peer_endpoint");
}
endpoint listener::local_endpoint() const {
  return name_of(number(), &direct_calls::local_name, "listener::local_endpoint");
}

void stream::set_options(const stream_options& options) const {
  braid::detail::option_setter setter(number());
  braid::detail::set_stream_options(setter, options);
  if (setter.refused() != nullptr) setter.check("stream::set_options", describe(number()));
}

incoming::incoming(const listener& at)
    : arrivals_(braid::detail::arrivals_at(at.descriptor_)), accepted_(at.accepted_) {}

// The option means nothing where an adopted listener is not TCP; only there it is refused.
stream detail::accepted::operator()(int socket) const noexcept {
  if (sends_at_once) (void)send_at_once(socket);
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

int detail::connect_with_outcome::prepare(request& what) noexcept {
  if (const int failed = connect_outcome::prepare(what)) return failed;
  if (fast_open) (void)set_flag(socket.number(), TCP_FASTOPEN_CONNECT);  // where it is had
  braid::detail::option_setter setter(socket.number());
  braid::detail::set_stream_options(setter, how);
  refused = setter.refused();
  return setter.code();
}
std::string detail::connect_with_outcome::object() const {
  return refused != nullptr ? refused + (" of " + to.to_string()) : to.to_string();
}

// A connection inherits the options of its listener's socket.
listener listen_now(const endpoint& at, const listen_options& how) {
  constexpr const char* call = "tcp::listen";
  direct_calls& system = direct_calls::current();
  const auto checked = [&](int ended) { return braid::detail::checked(ended, call, at); };
  descriptor socket(checked(system.socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)));
  const int number = socket.number();
  const bool sends_at_once = how.stream.no_delay.value_or(true);

  braid::detail::option_setter setter(number);
  setter.set("reuse_address", SOL_SOCKET, SO_REUSEADDR, 1);
  if (how.reuse_port) setter.set("reuse_port", SOL_SOCKET, SO_REUSEPORT, 1);
  if (how.v6_only || at.family() == AF_INET6)
    setter.set("v6_only", IPPROTO_IPV6, IPV6_V6ONLY, how.v6_only ? 1 : 0);
  braid::detail::set_stream_options(setter, how.stream);
  if (how.fast_open != 0) setter.set("fast_open", IPPROTO_TCP, TCP_FASTOPEN, how.fast_open);
  setter.check(call, at.to_string());

  checked(system.bind(number, at.data(), at.size()));
  checked(system.listen(number, how.backlog));
  return listener(std::move(socket), {sends_at_once});
}

}  // namespace braid::tcp
