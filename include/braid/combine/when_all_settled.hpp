#pragma once

#include <ranges>
#include <utility>

#include "braid/combine/detail/settled_rule.hpp"

namespace braid {

/// The result of every operation, in a tuple in the order of the arguments, once all have ended. Without
/// arguments it completes at once.
///
///     const auto [page, logo] = co_await when_all_settled(fetch("page"), fetch("logo"));
///     log(page ? *page : page.error().message());  // a result<std::string>, and so is logo
///
/// Errors  none of its own: the operations' errors are in the results.
/// Cancel  stops all, waits for all; the results show what was cancelled and what was achieved.
/// Cost    the operation states are inside this one; no allocation.
template <sender_or_factory... S>
[[nodiscard]] auto when_all_settled(S&&... ops) {
  return detail::join<detail::all_settled_rule>(std::forward<S>(ops)...);
}

/// when_all_settled over a range of senders: a vector of results in the range's order. The call walks the
/// range and moves its senders out of it.
///
/// Cost  one block of the frame pool for all operation states, and the vector.
template <sender_range Range>
[[nodiscard]] auto when_all_settled(Range&& ops) {
  return detail::join_range<detail::all_settled_rule>(std::forward<Range>(ops));
}
template <class... X>
  requires(detail::no_join_of<X...>)
detail::anything when_all_settled(X&&...) {
  return detail::take_senders<X...>();
}

}  // namespace braid
