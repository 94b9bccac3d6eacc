#pragma once

#include "braid/loop/reactor.hpp"
#include "braid/sim/world.hpp"

namespace braid::sim {

/// A virtual clock for every loop that this thread makes while it lives (run(op) makes one, too). The clock
/// jumps to the next timer as soon as there is nothing else to do: for tests of code that makes its own loops
/// and sleeps. Ready work and completions come in their usual order.
///
///     const sim::virtual_time clock;
///     run(sleep_for(24h));  // ends at once
///     use(clock.now());     // 24 hours after 0
///
/// Lifetime  outlives those loops.
/// Threads   one, except for promises and posts. A loop without a timer waits for other threads as usual. A
///           loop with a timer jumps ahead instead, so another thread never delivers before a time-out.
/// Errors    descriptors of the real kernel do not exist there: EBADF. Without a loop, loop_clock::now() is
///           the steady clock's time, which is far from the virtual one.
class virtual_time : pinned {
 public:
  explicit virtual_time(const world_options& options = {});
  ~virtual_time();

  /// The virtual time, from 0 on.
  [[nodiscard]] loop_clock::time_point now() const noexcept { return world_.now(); }
  [[nodiscard]] fault_schedule& faults() noexcept { return world_.faults(); }

 private:
  void remove_ended();

  world world_;
  reactor_override override_;
};

}  // namespace braid::sim
