#pragma once

#include <cstddef>

#include "braid/core/async_stack.hpp"
#include "braid/core/detail/find_mistake.hpp"

namespace braid::detail {

/// The argument of a mutex that the checks leave alone.
struct unwatched {};

/// With BRAID_CHECKS=1: which task has locked which mutex. A mutex calls `locked` from a path that it takes
/// only then. Its unlocking calls nothing, so that it costs nothing without the checks: still_held answers
/// later.
///
/// Threads  any.
class held_locks {
 public:
  /// Is the lock still held by the operation that reported it, if so many others have begun to wait since?
  using still_held_fn = bool(const void* lock, std::size_t waiting) noexcept;

  /// An operation of `by` has got the lock at the place where the frame is.
  static void locked(const void* lock, still_held_fn& still_held, const async_frame* by) noexcept;
  /// Another operation finds it locked, and waits.
  static void waits(const void* lock) noexcept;
  /// The lock is destroyed.
  static void forget(const void* lock) noexcept;
  /// The frame ends, and holds no lock any more.
  static void forget_those_of(const async_frame& frame) noexcept;

  /// Has this frame locked what this thread still holds? If so, stores the place.
  [[nodiscard]] static bool held_by(const async_frame* frame, std::source_location& locked_at) noexcept;
};

}  // namespace braid::detail
