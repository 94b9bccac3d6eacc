#pragma once

#include <cstdint>

#include "braid/loop/clock.hpp"
#include "braid/loop/operation.hpp"

namespace braid::detail {

/// An operation that finishes at an instant: the element of a timer_queue.
/// Cost  64 bytes.
class timer_base : public operation_base {
 public:
  [[nodiscard]] loop_clock::time_point deadline() const noexcept { return deadline_; }

 protected:
  explicit timer_base(finish_fn& finish) noexcept : operation_base(finish) {}

 private:
  friend class timer_queue;
  [[nodiscard]] bool before(const timer_base& other) const noexcept {
    return deadline_ != other.deadline_ ? deadline_ < other.deadline_ : order_ < other.order_;
  }

  loop_clock::time_point deadline_{};
  std::uint64_t order_ = 0;           // timers with equal deadlines finish in the order they were added
  timer_base* child_ = nullptr;       // the first of the subtrees below
  timer_base* sibling_ = nullptr;     // the next subtree of the same parent
  timer_base* previous_ = nullptr;    // the sibling before, or the parent of a first child
};

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
  std::uint64_t added_ = 0;
};

}  // namespace braid::detail
