#pragma once

#include <cstddef>
#include <utility>

#include "braid/combine/detail/concurrent.hpp"
#include "braid/combine/detail/walk_outcome.hpp"

namespace braid {

/// Runs fn(element) for each element of a range, at most `limit` of these operations at once: a vector of
/// their values in the range's order, or void if they have none. Otherwise as for_each_concurrent.
///
///     const std::vector<std::string> pages{"one", "two", "three"};
///     const std::vector<std::string> texts = co_await map_concurrent(pages, 2, fetch);
///
/// Cost  as for_each_concurrent, plus the vector, of which there are two at the end.
template <class Range, detail::operation_for<Range> F>
[[nodiscard]] auto map_concurrent(Range&& range, std::size_t limit, F&& fn) {
  return detail::walk_concurrently<detail::map_outcome>(std::forward<Range>(range), limit,
                                                        std::forward<F>(fn));
}

/// Like map_concurrent, but an error stops nothing: a vector of results in the range's order. Only a failure
/// of the range itself fails the whole, once the operations in flight have ended.
///
///     const std::vector<std::string> pages{"one", "two", "three"};
///     for (const result<std::string>& text : co_await map_concurrent_settled(pages, 2, fetch))
///       if (!text) log(text.error().message());
///
/// Cancel  stops all, waits for all; operation_canceled if the end of the range was not reached, otherwise
///         the results show what was cancelled.
template <class Range, detail::operation_for<Range> F>
[[nodiscard]] auto map_concurrent_settled(Range&& range, std::size_t limit, F&& fn) {
  return detail::walk_concurrently<detail::map_settled_outcome>(std::forward<Range>(range), limit,
                                                                std::forward<F>(fn));
}
template <class Range, class F>
  requires(!detail::operation_for<F, Range>)
detail::anything map_concurrent(Range&&, std::size_t, F&&) {
  return detail::walks_range<Range, F>();
}
template <class Range, class F>
  requires(!detail::operation_for<F, Range>)
detail::anything map_concurrent_settled(Range&&, std::size_t, F&&) {
  return detail::walks_range<Range, F>();
}

}  // namespace braid
