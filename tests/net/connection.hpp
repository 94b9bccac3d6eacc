#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/net/tcp.hpp"

namespace braid_tests {

/// Both ends of a TCP connection over loopback, connected in the style under test.
struct connection {
  braid::tcp::stream near;
  braid::tcp::stream far;
};

inline connection connected_pair(const any_style& style) {
  const braid::tcp::listener listening = *style.wait(braid::tcp::listen(braid::endpoint::loopback()));
  auto both =
      style.wait(braid::when_all(braid::tcp::connect(listening.local_endpoint()), listening.accept()));
  auto& [near, far] = both.value();
  return {std::move(near), std::move(far)};
}

/// Closes the descriptor such that the peer sees a reset instead of an orderly end.
inline void reset_peer_of(braid::tcp::stream& end) {
  const linger at_once{1, 0};
  ::setsockopt(end.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(end.release());
}

}  // namespace braid_tests
