#pragma once

#include <chrono>
#include <utility>

#include "braid/combine/detail/deadline_state.hpp"
#include "braid/combine/detail/timeout_rule.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/schedule/sleep.hpp"

namespace braid {

/// Stops `op` if it has not ended `d` after its start. It then fails as std::errc::timed_out, once op has
/// ended; if op succeeds in spite of the stop request, its value is the result.
///
///     const auto page = co_await as_result(with_timeout(fetch("page"), 1s));
///     if (page == std::errc::timed_out) log("too slow");
///
/// Errors  op's; if op fails in spite of the stop request, for instance with its clean-up's error, that
///         error. A time-out has timeout_category(), which distinguishes it from a connection that timed out:
///         that is std::errc::timed_out as well.
/// Cancel  from outside: ends as operation_canceled.
/// Cost    a timer: no allocation, no system call of its own. What op awaits can ask for current_deadline().
template <sender_or_factory S, class Rep, class Period>
[[nodiscard]] auto with_timeout(S&& op, std::chrono::duration<Rep, Period> d) {
  return detail::timed(std::forward<S>(op), sleep_for(d));
}

/// with_timeout with a point in time in place of a duration.
///
///     const auto end = loop_clock::after(5s);
///     for (const char* page : {"one", "two", "three"}) log(co_await with_deadline(fetch(page), end));
template <sender_or_factory S, class Duration>
[[nodiscard]] auto with_deadline(S&& op, std::chrono::time_point<loop_clock, Duration> t) {
  return detail::timed(std::forward<S>(op), sleep_until(t));
}
template <class X, class Duration>
  requires(!sender_or_factory<X>)
detail::anything with_timeout(X&&, Duration&&) {
  return detail::takes_sender<X>();
}
template <class X, class Instant>
  requires(!sender_or_factory<X>)
detail::anything with_deadline(X&&, Instant&&) {
  return detail::takes_sender<X>();
}

}  // namespace braid
