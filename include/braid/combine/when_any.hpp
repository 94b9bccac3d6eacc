#pragma once

#include <utility>

#include "braid/combine/detail/first_rule.hpp"

namespace braid {

/// The first operation that ends, with a value or an error. The others are stopped, and when_any completes
/// once they have ended. It drops the values of the losers, for instance the bytes that one has read; to keep
/// them, use when_any_settled.
///
///     const auto first = co_await when_any(fetch("page"), sleep_for(1s));
///     if (first.index == 0) log(std::get<0>(first.value));
///
/// Errors  the error of the first operation. Errors of losers are dropped, except the failure of a clean-up
///         (finally): it replaces a value or a cancellation, and joins the suppressed() of another error.
/// Cancel  stops all, waits for all.
/// Cost    the operation states are inside this one; no allocation except for suppressed errors.
template <sender_or_factory... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto when_any(S&&... ops) {
  return detail::join<detail::first_rule<detail::any_result_wins>>(std::forward<S>(ops)...);
}

/// when_any over a range of senders: {index, value}. An empty range fails with std::invalid_argument, because
/// no operation could ever end.
template <sender_range Range>
[[nodiscard]] auto when_any(Range&& ops) {
  return detail::join_range<detail::first_rule<detail::any_result_wins>>(std::forward<Range>(ops));
}
template <class... X>
  requires(detail::no_join_of<X...>)
detail::anything when_any(X&&...) {
  return detail::take_senders<X...>();
}

}  // namespace braid
