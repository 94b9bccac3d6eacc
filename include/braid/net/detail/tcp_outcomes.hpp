#pragma once

#include <cstdint>
#include <string>

#include "braid/loop/descriptor.hpp"
#include "braid/loop/io_outcome.hpp"
#include "braid/net/endpoint.hpp"
#include "braid/net/stream.hpp"
#include "braid/net/stream_options.hpp"

namespace braid::tcp::detail {

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

struct connect_with_outcome : connect_outcome {
  [[nodiscard]] int prepare(request& what) noexcept;
  [[nodiscard]] std::string object() const;
  stream_options how{};
  bool fast_open = false;
  const char* refused = nullptr;  // an option
};

}  // namespace braid::tcp::detail
