#pragma once

#include <cstddef>
#include <ranges>
#include <utility>

#include "braid/combine/detail/settled_rule.hpp"

namespace braid {

/// The index of the operation that ended first, and the results of all.
///
///     using results = std::tuple<result<std::string>, result<void>>;
///     const any_settled<results> race = co_await when_any_settled(fetch("page"), sleep_for(1s));
template <class Results>
struct any_settled {
  std::size_t index;
  Results results;  ///< a tuple or a vector of result, in the order of the operations
};

/// As when_any, but with every result: {index, results}. When the first operation ends, the others are
/// stopped; what one of them still achieves is in its result. A read that races a timer keeps its bytes:
///
///     std::array<char, 512> buffer;
///     auto race = co_await when_any_settled(peer.read_some(buffer), sleep_for(1s));
///     if (const auto& bytes = std::get<0>(race.results)) use(buffer, *bytes);  // whichever was first
///
/// Errors  none of its own: the operations' errors are in the results. An operation that was not started,
///         because an earlier one had ended at once, is operation_canceled.
/// Cancel  stops all, waits for all; the results show what was cancelled.
/// Cost    the operation states are inside this one; no allocation.
template <sender_or_factory... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto when_any_settled(S&&... ops) {
  return detail::join<detail::any_settled_rule>(std::forward<S>(ops)...);
}

/// when_any_settled over a range of senders: the results are a vector. An empty range fails with
/// std::invalid_argument.
template <sender_range Range>
[[nodiscard]] auto when_any_settled(Range&& ops) {
  return detail::join_range<detail::any_settled_rule>(std::forward<Range>(ops));
}

}  // namespace braid
