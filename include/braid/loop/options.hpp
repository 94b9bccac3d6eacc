#pragma once

#include <cstddef>
#include <cstdint>

namespace braid {

/// The reactor that a loop runs on. automatic means io_uring, or epoll where the kernel refuses io_uring; the
/// first such fallback in a process is reported on standard error, unless BRAID_QUIET=1. The environment
/// variable BRAID_BACKEND=uring|epoll|auto replaces automatic. docs/reactors.md compares the two.
///
///     loop here({.backend = backend::epoll});
enum class backend : std::uint8_t { automatic, uring, epoll };

/// Options of a loop. The defaults suit most programs.
///
///     loop here(loop_options{.entries = 1024, .track_tasks = true});
struct loop_options {
  braid::backend backend = braid::backend::automatic;
  unsigned entries = 256;  ///< requests begun in one turn; more may be in flight
  std::size_t fiber_stack_bytes =
      256 << 10;  ///< per fiber, at least 32 KiB; only touched pages use memory; a guard page comes on top
  int operations_per_turn =
      256;  ///< at most so many timers, then so many ready operations, before the reactor's turn
  unsigned receive_buffers =
      8192;  ///< at most so many buffers of 4 KiB, made as needed, for all incoming_bytes; to 32768
  bool track_tasks = false;  ///< for dump_tasks; BRAID_TRACK_TASKS=1 in the environment sets it too
};

}  // namespace braid
