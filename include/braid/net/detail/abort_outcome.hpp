#pragma once

#include "braid/loop/detail/close_outcome.hpp"

namespace braid::tcp::detail {

// A close that resets the connection: what has not left is dropped.
class abort_outcome : public braid::detail::close_outcome {
 public:
  using close_outcome::close_outcome;
  static constexpr io_hooks hooks{.prepare = true, .again = true, .unstoppable = true};
  static constexpr const char* name() noexcept { return "stream::abort"; }
  [[nodiscard]] int prepare(const request& what) noexcept;
};

}  // namespace braid::tcp::detail
