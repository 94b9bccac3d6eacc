#pragma once

#include "braid/loop/reactor.hpp"
#include "braid/sim/world.hpp"

namespace braid::sim {

/// While it lives, every loop that this thread makes (run(op) makes one, too) goes by a virtual clock, which
/// jumps to the next timer as soon as there is nothing else to do: for tests of code that makes its own loops
/// and sleeps. Everything else stays as it is: ready work and completions come in their usual order.
///
/// Lifetime  outlives those loops.
/// Threads   one, but for promises and posts: a loop without a timer waits for other threads as usual. One
///           with a timer does not: to it they are slower than any time-out.
/// Errors    descriptors of the real kernel do not exist there: EBADF. loop_clock::now() where there is no
///           loop is the steady clock's, which is far from theirs.
class virtual_time : pinned {
 public:
  explicit virtual_time(const world_options& options = {});
  ~virtual_time();

  /// Time so far, from 0 on.
  [[nodiscard]] loop_clock::time_point now() const noexcept { return world_.now(); }
  [[nodiscard]] fault_schedule& faults() noexcept { return world_.faults(); }

 private:
  void forget_ended();

  world world_;
  reactor_override override_;
};

}  // namespace braid::sim
