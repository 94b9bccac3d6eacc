#pragma once

#include "braid/core/async_stack.hpp"

namespace braid::detail {

/// A frame of the asynchronous stack that holds a value for the operations inside. Its key is the
/// task_local's address, or another one that names the value.
///
/// Lifetime  that of the operation whose value it holds.
struct value_frame : hidden_frame {
  value_frame(const void* what, const void* where_it_is) noexcept;
  /// The nearest one with this key, from `innermost` outwards, or null. The search ends at a link of another
  /// thread, beyond which this thread must not read.
  [[nodiscard]] static const value_frame* nearest(const async_frame* innermost, const void* key) noexcept;

  const void* const value;
};

}  // namespace braid::detail
