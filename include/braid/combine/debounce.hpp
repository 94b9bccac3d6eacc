#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "braid/combine/detail/running_ahead.hpp"
#include "braid/combine/detail/timed_run.hpp"
#include "braid/loop/clock.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/detail/async_stage.hpp"

namespace braid {

namespace detail {

template <class Element>
struct debounce_policy {
  loop_clock::duration quiet;
  loop_clock::time_point at = {};
  std::optional<Element> kept = {};

  std::optional<Element> arrive(Element&& element) {
    kept.emplace(std::move(element));
    at = loop_clock::after(quiet);
    return std::nullopt;
  }
  [[nodiscard]] bool keeps() const noexcept { return kept.has_value(); }
  [[nodiscard]] loop_clock::time_point due() const noexcept { return at; }
  [[nodiscard]] Element release() { return *std::exchange(kept, std::nullopt); }
};

}  // namespace detail

/// An async range of the elements after which no other one arrived for the time d. An element that another
/// one follows sooner is dropped. The last element is given at the end of the range, at once.
///
///     channel<std::string> typed(4);
///     auto searches = typed.elements() | debounce(300ms) | transform(fetch);
///     while (const auto found = co_await searches.next()) log(*found);
///
/// It asks its range also between two next(), until an element is ready to be taken. An element that arrives
/// after that is not compared with it: its own time begins when the ready one is taken.
///
/// Lifetime  an rvalue range is moved in; an lvalue must live until the operations in flight have ended.
/// Errors    an error of the range ends it; a last element is given before.
/// Cancel    a cancelled next() stops the range and waits for it. The last element stays for the following
///           next(), which goes on where the range does; the time that has passed counts.
/// Cost      one block of the frame pool; nothing per element, and at most one timer at a time.
template <async_range Range, class Rep, class Period>
[[nodiscard]] auto debounce(Range&& range, std::chrono::duration<Rep, Period> d) {
  using value = async_range_value_t<Range>;
  using run = detail::timed_run<detail::debounce_policy<value>, Range>;
  return detail::running_ahead<value>(*new run(std::forward<Range>(range), {loop_clock::saturated(d)}));
}
/// debounce, to be written behind a |.
template <class Rep, class Period>
[[nodiscard]] auto debounce(std::chrono::duration<Rep, Period> d) {
  return detail::async_stage{
      [d]<class Range>(Range&& range) { return debounce(std::forward<Range>(range), d); }};
}

}  // namespace braid
