#pragma once

#include <cstdint>

#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/timer_base.hpp"

namespace braid::detail {

/// The timers of a loop, nearest first: an intrusive pairing heap.
///
/// Lifetime  a timer stays at its address while it is queued.
/// Cost      add is O(1), remove and pop O(log n) amortised; nothing is allocated, so nothing can fail.
/// Source    Fredman, Sedgewick, Sleator, Tarjan: The pairing heap (1986).
class timer_queue : pinned {
 public:
  [[nodiscard]] bool empty() const noexcept { return root_ == nullptr; }
  /// The queue must not be empty.
  [[nodiscard]] loop_clock::time_point nearest() const noexcept { return root_->deadline_; }

  /// The timer must be in no queue.
  void add(timer_base& timer, loop_clock::time_point deadline) noexcept;
  /// The timer must be in this queue.
  void remove(timer_base& timer) noexcept;
  /// Takes the nearest timer out; the queue must not be empty.
  timer_base& pop() noexcept;

 private:
  static timer_base* meld(timer_base* left, timer_base* right) noexcept;
  static timer_base* meld_siblings(timer_base* first) noexcept;

  timer_base* root_ = nullptr;
  std::uint32_t added_ = 0;
};

}  // namespace braid::detail
