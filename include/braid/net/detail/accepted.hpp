#pragma once

#include "braid/net/stream.hpp"

namespace braid::tcp::detail {

// Makes the stream of an accepted socket.
struct accepted {
  using value_type = stream;
  stream operator()(int socket) const noexcept;
  bool sends_at_once = true;
};

}  // namespace braid::tcp::detail
