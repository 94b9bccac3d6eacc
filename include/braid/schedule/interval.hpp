#pragma once

#include <chrono>
#include <stdexcept>

#include "braid/schedule/sleep.hpp"

namespace braid {

/// A steady beat: each co_await ticks.next() completes at the next multiple of the period after the start.
/// A beat that was missed is skipped, not caught up on.
///
/// Errors  the constructor throws std::invalid_argument unless the period is positive.
class interval {
 public:
  /// The first beat comes one period from now.
  explicit interval(loop_clock::duration period) : period_(period), next_(loop_clock::now()) {
    if (period <= loop_clock::duration::zero())
      throw std::invalid_argument("interval: the period must be positive");
  }
  /// The same for any unit, rounded up to whole nanoseconds.
  template <class Rep, class Period>
  explicit interval(std::chrono::duration<Rep, Period> period) : interval(loop_clock::saturated(period)) {}

  /// A sender of void, as sleep_until.
  [[nodiscard]] auto next() noexcept {
    next_ = loop_clock::later_than(next_, period_);
    if (next_ == loop_clock::time_point::max()) return sleep_until(next_);
    const auto late = loop_clock::now() - next_;
    if (late > loop_clock::duration::zero())
      next_ += (late + period_ - loop_clock::duration(1)) / period_ * period_;
    return sleep_until(next_);
  }

 private:
  loop_clock::duration period_;
  loop_clock::time_point next_;
};

}  // namespace braid
