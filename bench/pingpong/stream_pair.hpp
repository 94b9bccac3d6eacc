#pragma once

#include <braid/net/tcp.hpp>

#include "pingpong/tcp_pair.hpp"

namespace bench {

/// The two ends of a connection as braid streams.
class stream_pair {
  tcp_pair sockets_;

 public:
  const braid::tcp::stream client = braid::tcp::stream::from_descriptor(sockets_.release_client());
  const braid::tcp::stream server = braid::tcp::stream::from_descriptor(sockets_.release_server());
};

}  // namespace bench
