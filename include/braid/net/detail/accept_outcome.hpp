#pragma once

#include <cstdint>

#include "braid/loop/io_outcome.hpp"
#include "braid/loop/request.hpp"

namespace braid::detail {

// Accepted makes the connection of a socket.
template <class Accepted>
struct accept_outcome {
  using value_type = typename Accepted::value_type;
  static constexpr const char* name() noexcept { return "listener::accept"; }
  result<value_type> operator()(std::int32_t socket, const request&) const noexcept {
    return accepted(socket);
  }
  [[no_unique_address]] Accepted accepted;
};

}  // namespace braid::detail
