#pragma once

#include <cstddef>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/buffered_run.hpp"
#include "braid/combine/detail/running_ahead.hpp"
#include "braid/core/any_result.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/async_views.hpp"
#include "braid/style/detail/view_calls.hpp"

namespace braid {

/// A range whose elements are operations.
///
///     static_assert(async_range_of_senders<async_generator<task<std::string>>>);
template <class Range>
concept async_range_of_senders = async_range<Range> && sender<async_range_value_t<Range>>;

/// An async range that runs up to `limit` operations of another range at once and gives their values in that
/// range's order. A value that waits to be taken counts toward the limit. A void result is std::monostate.
///
///     async_generator<std::string> names() {
///       for (int n = 0; n < 100; ++n) co_yield std::to_string(n);
///     }
///     auto texts = names() | transform(fetch) | buffered(8);  // 8 fetches run at once
///     while (const auto text = co_await texts.next()) log(*text);
///
/// The range's elements are operations, or it is a transform whose function returns senders: transform alone
/// awaits them one by one.
///
/// Lifetime  an rvalue range is moved in. An lvalue range must live until the operations in flight have
///           ended.
/// Errors    an error is given at its place in the order, as a value is; the later operations are stopped.
///           std::invalid_argument when limit is 0.
template <async_range_of_senders Range>
[[nodiscard]] auto buffered(Range&& operations, std::size_t limit) {
  using value = regular<std::remove_cvref_t<value_of<async_range_value_t<Range>>>>;
  if (limit == 0) throw std::invalid_argument("buffered: the limit is 0");
  return detail::running_ahead<value>(
      *new detail::buffered_run<value, Range>(std::forward<Range>(operations), limit));
}
/// buffered over a transform whose function returns senders.
template <detail::awaiting_transform View>
  requires(!async_range_of_senders<View>)
[[nodiscard]] auto buffered(View&& operations, std::size_t limit) {
  return buffered(detail::calls_of(std::move(operations)), limit);
}
template <class X>
  requires(!async_range_of_senders<X> && !detail::awaiting_transform<X>)
detail::anything buffered(X&&, std::size_t) {
  static_assert(async_range_of_senders<X>,
                "buffered takes an async_range of operations, such as async_generator<task<T>>; for each "
                "element of any range: map_concurrent(range, limit, fn)");
  return {};
}
/// buffered, to be written behind a |.
[[nodiscard]] inline auto buffered(std::size_t limit) {
  return detail::async_stage{
      [limit]<class Range>(Range&& operations) { return buffered(std::forward<Range>(operations), limit); }};
}

}  // namespace braid
