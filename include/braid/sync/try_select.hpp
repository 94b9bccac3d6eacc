#pragma once

#include <optional>
#include <tuple>
#include <utility>

#include "braid/sync/select.hpp"

namespace braid {

/// Does the first of several operations that is possible now: {index, value} as select, or nothing if none is
/// possible or all are disabled. It never waits.
///
///     channel<job> urgent(16), usual(16);
///     if (auto next = try_select(urgent.receive(), usual.receive()))
///       log(next->index == 0 ? "urgent" : "usual");
///     else
///       log("nothing to do");
///
/// Takes what select takes, in the same order. A sleep_until whose time has come is possible, a sleep_for
/// never is.
///
/// Errors  throws the error of the chosen operation: a send on a closed channel, for instance, or what a
///         future failed with. std::logic_error for futures, and in fair order, on a thread without a loop.
/// Cost    no allocation but one array for each range.
template <class... X>
  requires(sizeof...(X) > 0 && (detail::select_argument<X> && ...))
[[nodiscard]] auto try_select(select_order order, X&&... ops) {
  return detail::select_attempt<detail::branch_of<X>...>(
             std::tuple<detail::branch_of<X>...>(detail::as_branch(std::forward<X>(ops))...))
      .make(order);
}
/// try_select in the order of the arguments.
template <class... X>
  requires(sizeof...(X) > 0 && (detail::select_argument<X> && ...))
[[nodiscard]] auto try_select(X&&... ops) {
  return try_select(select_order::first, std::forward<X>(ops)...);
}

}  // namespace braid
