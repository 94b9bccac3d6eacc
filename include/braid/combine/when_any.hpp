#pragma once

#include <utility>

#include "braid/combine/detail/first_of.hpp"

namespace braid {

namespace detail {
struct any_rule {
  static constexpr const char* name = "when_any";
  template <class T>
  static bool decides(const result<T>&) noexcept {
    return true;
  }
};
}  // namespace detail

/// The first to end, value or error; the others are stopped, and have ended, before this completes. A loser's
/// value is dropped, the bytes that it has read for instance: where they are wanted, when_any_settled.
///
/// Errors  the first's. What losers fail with is dropped, but for the failure of a clean-up (finally): that
///         takes the place of a value or of a cancellation, and is in the suppressed() of an error.
/// Cancel  stops all, waits for all.
/// Cost    the operation states are side by side in this one; no allocation but for suppressed errors.
template <sender_or_factory... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto when_any(S&&... ops) {
  return detail::first_of_pack_sender<detail::any_rule, sender_of<S>...>{
      {as_sender(std::forward<S>(ops))...}};
}

/// The same over a range of senders: {index, value}. An empty range fails with std::invalid_argument, since
/// nothing could ever end.
template <sender_range Range>
[[nodiscard]] auto when_any(Range&& ops) {
  return detail::first_of_range_sender<detail::any_rule, sender_of<std::ranges::range_value_t<Range>>>{
      detail::collect(std::forward<Range>(ops))};
}
template <class... X>
  requires(detail::no_join_of<X...>)
detail::anything when_any(X&&...) {
  return detail::take_senders<X...>();
}

}  // namespace braid
