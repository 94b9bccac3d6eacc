#pragma once

#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/timer_base.hpp"

namespace braid {

class loop;
class rate_limiter;

namespace detail {

// The timer of a rate_limiter, set while somebody waits for it. The loop finishes a timer that is cancelled
// only in a later turn, and the limiter may be gone by then: so the timer lives by itself.
class refill_timer : timer_base {
 public:
  // The limiter's end of it.
  class owned : braid::pinned {
   public:
    explicit owned(rate_limiter& of) : timer_(new refill_timer(of)) {}
    ~owned() { timer_->let_go(); }
    refill_timer* operator->() const noexcept { return timer_; }

   private:
    refill_timer* const timer_;
  };

  void set(loop_clock::time_point when) noexcept;
  void cancel() noexcept;

 private:
  explicit refill_timer(rate_limiter& of) noexcept : timer_base(on_end), of_(&of) {}
  static void on_end(operation_base& base, completion with) noexcept;
  void let_go() noexcept;

  rate_limiter* of_;  // null once the limiter is gone
  loop* home_ = nullptr;  // while it is in flight
  bool queued_ = false;  // in flight, and not cancelled
};

}  // namespace detail

}  // namespace braid
