#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "braid/combine/detail/running_ahead.hpp"
#include "braid/combine/detail/timed_run.hpp"
#include "braid/loop/clock.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/detail/async_stage.hpp"

namespace braid {

/// Which elements throttle gives.
///
///     channel<double> degrees(4);
///     auto shown = degrees.elements() | throttle(100ms, throttle_edge::both);
enum class throttle_edge : std::uint8_t {
  leading,   ///< the first one at once; those that arrive within the time after it are dropped
  trailing,  ///< the newest one, at the end of the time that begins with the first one
  both,      ///< the first one at once, and the newest of those that arrive within the time, at its end
};

namespace detail {

template <class Element>
struct throttle_policy {
  loop_clock::duration period;
  throttle_edge edge;
  loop_clock::time_point until = loop_clock::time_point::min();  // the time that runs, or the last one
  std::optional<Element> kept = {};

  std::optional<Element> arrive(Element&& element) {
    if (kept || loop_clock::now() < until) {
      if (edge != throttle_edge::leading) kept.emplace(std::move(element));
      return std::nullopt;
    }
    until = loop_clock::after(period);
    if (edge != throttle_edge::trailing) return std::move(element);
    kept.emplace(std::move(element));
    return std::nullopt;
  }
  [[nodiscard]] bool keeps() const noexcept { return kept.has_value(); }
  [[nodiscard]] loop_clock::time_point due() const noexcept { return until; }
  [[nodiscard]] Element release() {
    until = loop_clock::after(period);
    return *std::exchange(kept, std::nullopt);
  }
};

}  // namespace detail

/// An async range that gives at most one element per time d and drops the others: throttle_edge says which.
/// To slow a range down without dropping anything, await an interval or a rate_limiter before each next().
///
///     channel<double> degrees(4);
///     auto shown = degrees.elements() | throttle(100ms);  // throttle_edge::leading
///     while (const auto each = co_await shown.next()) use(*each);
///
/// The time begins when an element is given, and, with trailing, when one arrives and no time runs. An
/// element that waits for the end of the time is given at the end of the range, at once. It asks its range
/// also between two next(), until an element is ready to be taken; an element that arrives after that counts
/// as arriving when the ready one is taken.
///
/// Lifetime  an rvalue range is moved in; an lvalue must live until the operations in flight have ended.
/// Errors    an error of the range ends it; a last element is given before.
/// Cancel    a cancelled next() stops the range and waits for it. An element that waits for its time stays
///           for the following next(), which goes on where the range does.
/// Cost      one block of the frame pool; nothing per element, and at most one timer at a time.
template <async_range Range, class Rep, class Period>
[[nodiscard]] auto throttle(Range&& range, std::chrono::duration<Rep, Period> d,
                            throttle_edge edge = throttle_edge::leading) {
  using value = async_range_value_t<Range>;
  using run = detail::timed_run<detail::throttle_policy<value>, Range>;
  return detail::running_ahead<value>(*new run(std::forward<Range>(range), {loop_clock::saturated(d), edge}));
}
/// throttle, to be written behind a |.
template <class Rep, class Period>
[[nodiscard]] auto throttle(std::chrono::duration<Rep, Period> d,
                            throttle_edge edge = throttle_edge::leading) {
  return detail::async_stage{
      [d, edge]<class Range>(Range&& range) { return throttle(std::forward<Range>(range), d, edge); }};
}

}  // namespace braid
