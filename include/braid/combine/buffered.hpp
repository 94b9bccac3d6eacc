#pragma once

#include <cstddef>
#include <functional>
#include <optional>
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

namespace detail {

template <class Range, class Make>
using buffered_value =
    regular<std::remove_cvref_t<value_of<std::invoke_result_t<Make&, async_range_value_t<Range>&&>>>>;

template <class Range, class Make>
auto buffer(Range&& range, Make make, std::size_t limit, std::optional<result<void>> ended = std::nullopt) {
  using value = buffered_value<Range, Make>;
  if (limit == 0) throw std::invalid_argument("buffered: the limit is 0");
  auto* const run = new buffered_run<value, Range, Make>(std::forward<Range>(range), std::move(make), limit,
                                                         std::move(ended));
  return running_ahead<value>(*run);
}
// Takes the transform apart.
template <class Range, class F, class Element>
auto buffer_calls(view_core<Range, transform_step<F, Element>>& of, std::size_t limit) {
  using phase = typename view_core<Range, transform_step<F, Element>>::phase;
  if (of.busy) throw std::logic_error("buffered: a next of the transform is in flight");
  std::optional<result<void>> ended;
  if (of.now == phase::over) ended.emplace();
  if (of.now == phase::canceled) ended.emplace(error(std::errc::operation_canceled));
  return buffer<Range>(std::forward<Range>(of.range), call_of<F, Element>{std::move(of.step.f)}, limit,
                       std::move(ended));
}

}  // namespace detail

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
  return detail::buffer<Range>(std::forward<Range>(operations), std::identity(), limit);
}
/// buffered over a transform whose function returns senders.
template <detail::awaiting_transform View>
  requires(!async_range_of_senders<View>)
[[nodiscard]] auto buffered(View&& operations, std::size_t limit) {
  return detail::buffer_calls(operations.held(), limit);
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
