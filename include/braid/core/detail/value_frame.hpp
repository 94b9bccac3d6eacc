#pragma once

#include "braid/core/async_stack.hpp"

namespace braid::detail {

/// A frame of the asynchronous stack that holds a value for the operations inside. No printed stack shows it.
///
/// Lifetime  that of the operation whose value it holds.
struct value_frame : async_frame {
  value_frame(const void* what, const void* where_it_is) noexcept;
  /// The frame as a value_frame, or null if it is none.
  [[nodiscard]] static const value_frame* from(const async_frame& frame) noexcept;
  /// The nearest one with this key, from `innermost` outwards, or null. The search ends at a link of another
  /// thread, beyond which this thread must not read.
  [[nodiscard]] static const value_frame* nearest(const async_frame* innermost, const void* key) noexcept;

  const void* const key;
  const void* const value;
};

}  // namespace braid::detail
