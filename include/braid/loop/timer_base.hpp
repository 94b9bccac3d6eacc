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
/// Cost  48 bytes; no allocation.
class timer_base : public operation_base {
 public:
  [[nodiscard]] loop_clock::time_point deadline() const noexcept { return deadline_; }

 protected:
  explicit timer_base(finish_fn& finish) noexcept : operation_base(finish) {}

 private:
  friend class detail::timer_queue;
  // Timers with equal deadlines finish in the order they were added. The difference tells it also after the
  // counter has begun anew.
  [[nodiscard]] bool before(const timer_base& other) const noexcept {
    if (deadline_ != other.deadline_) return deadline_ < other.deadline_;
    return static_cast<std::int32_t>(order_ - other.order_) < 0;
  }
  // The next subtree of the same parent.
  [[nodiscard]] timer_base* sibling() const noexcept { return static_cast<timer_base*>(next_); }

  std::uint32_t order_ = 0;  // the first member, in the padding of operation_base
  loop_clock::time_point deadline_{};
  timer_base* child_ = nullptr;  // the first of the subtrees below
  timer_base* previous_ = nullptr;  // the sibling before, or the parent of a first child
};
static_assert(sizeof(timer_base) == 48);

}  // namespace braid
