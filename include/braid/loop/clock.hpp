#pragma once

#include <algorithm>
#include <chrono>
#include <numeric>
#include <type_traits>

#include "braid/base/pinned.hpp"

namespace braid {

/// The clock of timers: the current loop's, or the steady clock on a thread without a loop. In a simulation
/// its time is virtual.
///
///     const loop_clock::time_point begun = loop_clock::now();
///     log(co_await fetch("page"));
///     use(loop_clock::now() - begun);
///     co_await sleep_until(begun + 1s);
struct loop_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<loop_clock, duration>;
  static constexpr bool is_steady = true;

  /// Never fails, and needs no loop.
  [[nodiscard]] static time_point now() noexcept;

  /// d rounded up, so that no sleep is shorter than requested. Instead of overflowing it is the longest
  /// duration, positive or negative. NaN becomes zero, so that a wait for it ends at once instead of never.
  template <class Rep, class Period>
  [[nodiscard]] static constexpr duration saturated(std::chrono::duration<Rep, Period> d) noexcept {
    // A tick is num * unit / down nanoseconds.
    constexpr auto shared = std::gcd(Period::den, period::den);
    constexpr auto unit = period::den / shared, down = Period::den / shared;
    if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
      using real = std::conditional_t<std::is_same_v<Rep, long double>, long double, double>;
      constexpr real bound = static_cast<real>(duration::max().count()) * down;
      const real ticks = static_cast<real>(d.count());
      if (ticks != ticks) return duration::zero();
      const real exact = std::clamp(ticks, -bound, bound) * Period::num * unit / down;
      if (exact >= static_cast<real>(duration::max().count())) return duration::max();
      if (exact <= static_cast<real>(duration::min().count())) return duration::min();
      const auto whole = static_cast<rep>(exact);
      return duration(static_cast<real>(whole) < exact ? whole + 1 : whole);
    } else {
      __extension__ typedef __int128 wide;
      constexpr wide most = wide{duration::max().count()} * down / unit;
      constexpr wide least = wide{duration::min().count()} * down / unit;
      const wide ticks = static_cast<wide>(d.count()) * Period::num;
      if (ticks > most) return duration::max();
      if (ticks < least) return duration::min();
      const wide exact = ticks * unit;
      return duration(static_cast<rep>(exact / down + (exact % down > 0 ? 1 : 0)));
    }
  }
  /// Like saturated for a duration: t rounded up, and no overflow.
  template <class Duration>
  [[nodiscard]] static constexpr time_point saturated(
      std::chrono::time_point<loop_clock, Duration> t) noexcept {
    return time_point(saturated(t.time_since_epoch()));
  }

  /// from + d, or the last representable instant where the sum overflows.
  [[nodiscard]] static constexpr time_point later_than(time_point from, duration d) noexcept {
    const bool too_late = from > time_point{} && d > time_point::max() - from;
    return too_late ? time_point::max() : from + d;
  }

  /// now() + d, or the last representable instant where the sum overflows.
  template <class Rep, class Period>
  [[nodiscard]] static time_point after(std::chrono::duration<Rep, Period> d) noexcept {
    const time_point from = now();
    const duration least = saturated(d);
    return later_than(from, least);
  }
};

namespace detail {

// A loop's reactor, as the source of its time.
class timekeeper {
 public:
  [[nodiscard]] virtual loop_clock::time_point now() const noexcept = 0;

 protected:
  ~timekeeper() = default;
};

// The part of a loop that loop_clock reads: so the clock's header needs no other of the loop's.
class keeps_time : pinned {
  friend struct braid::loop_clock;

 protected:
  explicit keeps_time(const timekeeper* by) noexcept : time_(by) {}

  static constinit thread_local inline keeps_time* current_ = nullptr;  // of this thread's loop
  const timekeeper* time_;
};

}  // namespace detail

inline loop_clock::time_point loop_clock::now() noexcept {
  if (const detail::keeps_time* here = detail::keeps_time::current_) return here->time_->now();
  return time_point(
      std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

}  // namespace braid
