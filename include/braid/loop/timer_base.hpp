#pragma once

#include <cstdint>

#include "braid/loop/clock.hpp"
#include "braid/loop/operation.hpp"

namespace braid {

/// An operation that finishes at an instant. operation_context::add begins it; cancel and move change it.
///
///     class alarm : public timer_base {
///      public:
///       alarm() : timer_base(on_end) {}
///
///      private:
///       static void on_end(operation_base&, completion with) {
///         if (with.result == 0) log("the time is over");  // else it was cancelled
///       }
///     };
///     alarm soon;  // must stay until on_end
///     loop::current().operations().add(soon, loop_clock::after(1s));
///
/// Cost  64 bytes; no allocation.
class timer_base : public operation_base {
 public:
  [[nodiscard]] loop_clock::time_point deadline() const noexcept { return deadline_; }

 protected:
  explicit timer_base(finish_fn& finish) noexcept : operation_base(finish) {}

 private:
  friend class detail::timer_queue;
  [[nodiscard]] bool before(const timer_base& other) const noexcept {
    return deadline_ != other.deadline_ ? deadline_ < other.deadline_ : order_ < other.order_;
  }

  loop_clock::time_point deadline_{};
  std::uint64_t order_ = 0;  // timers with equal deadlines finish in the order they were added
  timer_base* child_ = nullptr;  // the first of the subtrees below
  timer_base* sibling_ = nullptr;  // the next subtree of the same parent
  timer_base* previous_ = nullptr;  // the sibling before, or the parent of a first child
};

}  // namespace braid
