#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/loop/clock.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/detail/async_stage.hpp"
#include "braid/style/detail/view.hpp"

namespace braid {

namespace detail {

template <class Range>
struct timed_range {
  Range range;
  loop_clock::duration most;
  auto next() { return with_timeout(range.next(), most); }
};

template <class Element>
struct every_element {
  using value_type = Element;
  static void take(Element&& element, std::optional<Element>& to) { to.emplace(std::move(element)); }
};

}  // namespace detail

/// A view that fails if an element takes longer than d, counted from the next() that asks for it. So the time
/// that the program spends between two next() does not count.
///
///     channel<std::string> names(4);
///     auto pages = names.elements() | transform(fetch) | timeout(5s);
///     const auto page = co_await as_result(pages.next());
///     if (page == std::errc::timed_out) log("too slow");
///
/// Errors  std::errc::timed_out, as with_timeout; it ends the view, as any error does. By then the range's
///         next() has ended, and it has taken no element: one that arrives in spite of the time-out is given.
/// Cancel  as transform's.
/// Cost    as transform's; a timer per element, no allocation.
template <async_range Range, class Rep, class Period>
[[nodiscard]] auto timeout(Range&& range, std::chrono::duration<Rep, Period> d) {
  using timed = detail::timed_range<Range>;
  return detail::view<timed, detail::every_element<async_range_value_t<Range>>>(
      timed{std::forward<Range>(range), loop_clock::saturated(d)}, {});
}
/// timeout, to be written behind a |.
template <class Rep, class Period>
[[nodiscard]] auto timeout(std::chrono::duration<Rep, Period> d) {
  return detail::async_stage{
      [d]<class Range>(Range&& range) { return timeout(std::forward<Range>(range), d); }};
}

}  // namespace braid
