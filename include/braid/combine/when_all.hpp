#pragma once

#include <ranges>
#include <utility>

#include "braid/combine/detail/all_rule.hpp"

namespace braid {

/// All values, in a tuple in the order of the arguments (void as std::monostate, a reference as
/// std::reference_wrapper). The first error stops the other operations and is reported once they have ended;
/// later errors are in its suppressed(). A failure goes before a cancellation. Without arguments it completes
/// at once.
///
///     const auto [page, logo] = co_await when_all(fetch("page"), fetch("logo"));
///
/// Cancel  stops all, waits for all.
/// Cost    the operation states are inside this one; no allocation.
template <sender_or_factory... S>
[[nodiscard]] auto when_all(S&&... ops) {
  return detail::join<detail::all_rule>(std::forward<S>(ops)...);
}

/// when_all over a range of senders: a vector in the range's order, or void for senders of void. The call
/// walks the range, which may be a lazy view, and moves its senders out of it.
///
/// Cost  one block of the frame pool for all operation states, and the vector.
template <sender_range Range>
[[nodiscard]] auto when_all(Range&& ops) {
  return detail::join_range<detail::all_rule>(std::forward<Range>(ops));
}
template <class... X>
  requires(detail::no_join_of<X...>)
detail::anything when_all(X&&...) {
  return detail::take_senders<X...>();
}

}  // namespace braid
