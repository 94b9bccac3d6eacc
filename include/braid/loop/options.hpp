#pragma once

#include <cstddef>
#include <cstdint>

namespace braid {

/// Which reactor a loop runs on. automatic is io_uring, or epoll where the kernel refuses io_uring: that is
/// said once a process on the standard error, unless BRAID_QUIET=1. The environment's
/// BRAID_BACKEND=uring|epoll|auto takes the place of automatic. What differs between the two is in
/// docs/reactors.md.
enum class backend : std::uint8_t { automatic, uring, epoll };

/// How a loop is made; every default will do.
struct loop_options {
  braid::backend backend = braid::backend::automatic;
  unsigned entries = 256;  ///< requests begun in one turn; more in flight is no error
  std::size_t fiber_stack_bytes =
      256 << 10;  ///< per fiber, 32 KiB at least; touched pages only; a guard page comes on top
  int operations_per_turn =
      256;  ///< at most so many timers, then so much ready work, before the reactor's turn
  bool track_tasks = false;  ///< for dump_tasks; the environment's BRAID_TRACK_TASKS=1 asks for it too
};

}  // namespace braid
