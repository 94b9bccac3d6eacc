#pragma once

#include <utility>

#include "braid/combine/detail/first_of.hpp"

namespace braid {

namespace detail {
struct ok_rule {
  static constexpr const char* name = "first_ok";
  template <class T>
  static bool decides(const result<T>& ended) noexcept {
    return ended.has_value();
  }
};
}  // namespace detail

/// The first to end with a value: {index, value}, the value a variant (void as std::monostate, a reference as
/// std::reference_wrapper). The others are stopped, and have ended, before this completes; what a loser had
/// achieved is dropped.
///
/// Errors  only when all have failed: the first error, with the others in its suppressed(); or when the
///         clean-up (finally) of a loser failed.
/// Cancel  stops all, waits for all; ends as operation_canceled, with what had failed before in its
///         suppressed().
/// Cost    the operation states are side by side in this one; no allocation but for suppressed errors.
template <sender_or_factory... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto first_ok(S&&... ops) {
  return detail::first_of_pack_sender<detail::ok_rule, sender_of<S>...>{{as_sender(std::forward<S>(ops))...}};
}

/// The same over a range of senders. An empty range fails with std::invalid_argument, since nothing could
/// ever end.
template <sender_range Range>
[[nodiscard]] auto first_ok(Range&& ops) {
  return detail::first_of_range_sender<detail::ok_rule, sender_of<std::ranges::range_value_t<Range>>>{
      detail::collect(std::forward<Range>(ops))};
}
template <class... X>
  requires(detail::no_join_of<X...>)
detail::anything first_ok(X&&...) {
  return detail::take_senders<X...>();
}

}  // namespace braid
