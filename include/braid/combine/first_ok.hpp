#pragma once

#include <utility>

#include "braid/combine/detail/first_rule.hpp"

namespace braid {

/// The first operation that ends with a value: {index, value}. The value is a variant (void as
/// std::monostate, a reference as std::reference_wrapper). The other operations are stopped, and first_ok
/// completes once they have ended; what they achieved is dropped.
///
///     const auto page = co_await first_ok(fetch("mirror one"), fetch("mirror two"));
///     log(std::get<0>(page.value));
///
/// Errors  only when all have failed: the first error, with the others in its suppressed(); or when the
///         clean-up (finally) of a loser failed.
/// Cancel  stops all, waits for all; ends as operation_canceled, with earlier failures in its suppressed().
/// Cost    the operation states are inside this one; no allocation except for suppressed errors.
template <sender_or_factory... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto first_ok(S&&... ops) {
  return detail::join<detail::first_rule<detail::value_wins>>(std::forward<S>(ops)...);
}

/// first_ok over a range of senders: {index, value}. An empty range fails with std::invalid_argument, because
/// no operation could ever succeed.
template <sender_range Range>
[[nodiscard]] auto first_ok(Range&& ops) {
  return detail::join_range<detail::first_rule<detail::value_wins>>(std::forward<Range>(ops));
}
template <class... X>
  requires(detail::no_join_of<X...>)
detail::anything first_ok(X&&...) {
  return detail::take_senders<X...>();
}

}  // namespace braid
