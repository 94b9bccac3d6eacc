#pragma once

#include <cstdint>
#include <string>

#include "braid/loop/descriptor.hpp"
#include "braid/loop/io_outcome.hpp"
#include "braid/net/detail/arrivals.hpp"
#include "braid/net/endpoint.hpp"
#include "braid/net/stream.hpp"

namespace braid::tcp::detail {

struct accept_outcome {
  using value_type = stream;
  static constexpr const char* name() noexcept { return "listener::accept"; }
  result<stream> operator()(std::int32_t ended, const request&) const noexcept { return accepted(ended); }
};

struct connect_outcome {
  using value_type = stream;
  static constexpr const char* name() noexcept { return "tcp::connect"; }
  static constexpr io_hooks hooks{.prepare = true, .object = true};
  [[nodiscard]] int prepare(request& what) noexcept;
  result<stream> operator()(std::int32_t, const request&) noexcept {
    return stream::from_descriptor(socket.release());
  }
  [[nodiscard]] std::string object() const { return to.to_string(); }
  endpoint to;
  descriptor socket{};
};

}  // namespace braid::tcp::detail
