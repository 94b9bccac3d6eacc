#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "braid/loop/io_operation.hpp"
#include "braid/loop/loop.hpp"

// What the tests of the epoll reactor share.
namespace braid_tests {

inline constexpr braid::loop_options on_epoll{.backend = braid::backend::epoll};

/// A request as the reactor sees it, and its result.
struct asked : braid::io_operation {
  explicit asked(const braid::request& which) : braid::io_operation(on_finish, what), what(which) {}
  static void on_finish(braid::operation_base& base, braid::completion with) noexcept {
    auto& self = static_cast<asked&>(static_cast<braid::io_operation&>(base));
    self.parts.push_back(with.result);
    if (!self.in_flight()) self.result = with.result;
  }
  braid::request what;
  std::optional<std::int32_t> result;
  std::vector<std::int32_t> parts;
};

inline braid::request read_of(int descriptor, void* room, std::uint32_t length) {
  return {.code = braid::opcode::read,
          .descriptor = descriptor,
          .address = room,
          .offset = braid::request::current_position,
          .length = length};
}

/// Turns the loop until the request has finished.
inline void turn_until(braid::loop& home, const std::optional<std::int32_t>& finished) {
  while (!finished) home.turn(true);
}

}  // namespace braid_tests
