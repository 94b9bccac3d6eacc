#pragma once

#include <chrono>

namespace braid {

/// The clock that timers go by: the current loop's, else the steady clock. In a simulation its time is virtual.
struct loop_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<loop_clock, duration>;
  static constexpr bool is_steady = true;

  /// Never fails, and needs no loop.
  [[nodiscard]] static time_point now() noexcept;

  /// now() + d, the last representable instant instead of an overflow.
  [[nodiscard]] static time_point after(duration d) noexcept {
    const time_point from = now();
    return d > time_point::max() - from ? time_point::max() : from + d;
  }
};

}  // namespace braid
