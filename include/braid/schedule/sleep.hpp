#pragma once

#include <chrono>

#include "braid/loop/clock.hpp"
#include "braid/schedule/detail/sleep_state.hpp"

namespace braid {

/// A sender that completes when loop_clock reaches t, or in the next turn if it has done so already.
///
///     const auto begun = loop_clock::now();
///     co_await sleep_until(begun + 10ms);
///
/// Threads  the current loop's.
/// Cancel   ends at once as operation_canceled.
/// Cost     an intrusive node in the loop's heap: no allocation, no system call of its own.
[[nodiscard]] inline auto sleep_until(loop_clock::time_point t) noexcept {
  return detail::sleep_sender<detail::instant>{{t}};
}
/// sleep_until for a time point of any unit.
template <class Duration>
[[nodiscard]] auto sleep_until(std::chrono::time_point<loop_clock, Duration> t) noexcept {
  return sleep_until(loop_clock::saturated(t));
}

/// A sender that completes d after its start, or in the next turn if d is zero, negative or not a number.
/// Otherwise like sleep_until.
///
///     co_await sleep_for(1.5s);
[[nodiscard]] inline auto sleep_for(loop_clock::duration d) noexcept {
  return detail::sleep_sender{[d]() noexcept { return loop_clock::after(d); }};
}
/// sleep_for in any unit, whole or fractional. A d above loop_clock::duration::max() counts as that maximum.
template <class Rep, class Period>
[[nodiscard]] auto sleep_for(std::chrono::duration<Rep, Period> d) noexcept {
  return sleep_for(loop_clock::saturated(d));
}

}  // namespace braid
