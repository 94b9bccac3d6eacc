#include "braid/net/udp.hpp"

#include "braid/loop/direct_calls.hpp"
#include "socket_calls.hpp"

namespace braid::udp {

using braid::detail::checked;
using braid::detail::name_of;

endpoint socket::local_endpoint() const {
  return name_of(number(), &direct_calls::local_name, "socket::local_endpoint");
}
endpoint socket::peer_endpoint() const {
  return name_of(number(), &direct_calls::peer_name, "socket::peer_endpoint");
}

socket bind_now(const endpoint& at) {
  constexpr const char* call = "udp::bind";
  direct_calls& system = direct_calls::current();
  socket made =
      socket::from_descriptor(checked(system.socket(at.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0), call, at));
  checked(system.bind(made.number(), at.data(), at.size()), call, at);
  return made;
}

socket connect_now(const endpoint& to) {
  constexpr const char* call = "udp::connect";
  direct_calls& system = direct_calls::current();
  socket made =
      socket::from_descriptor(checked(system.socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0), call, to));
  checked(system.connect(made.number(), to.data(), to.size()), call, to);
  return made;
}

}  // namespace braid::udp
