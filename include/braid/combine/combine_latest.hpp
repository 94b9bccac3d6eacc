#pragma once

#include <concepts>
#include <utility>

#include "braid/combine/detail/combine_latest_run.hpp"
#include "braid/combine/detail/running_ahead.hpp"
#include "braid/style/async_range.hpp"

namespace braid {

/// An async range of tuples with the latest element of each range: a new tuple for each element that arrives,
/// in the order in which they arrive, once every range has given one.
///
///     channel<std::string> names(4);
///     channel<int> numbers(4);
///     auto shown = combine_latest(names.elements(), numbers.elements());
///     while (const auto both = co_await shown.next()) {
///       const auto& [name, number] = *both;
///       log(name + ": " + std::to_string(number));
///     }
///
/// Before the first tuple a range's newer element replaces its older one, which is dropped. From then on no
/// element is left out: each range is at most one element ahead, and two that arrive in one step make two
/// tuples. It ends when all ranges have, or when one ends without any element: the others are stopped then,
/// and waited for.
///
/// Lifetime  rvalues are moved in; lvalues must live until the operations in flight have ended.
/// Errors    an error of a range ends it, after the tuples of the elements that arrived before; the others
///           are stopped and waited for.
/// Cancel    a cancelled next() stops the ranges and waits for them. What they have given stays for the
///           following next(), which goes on where the ranges do.
/// Cost      one block of the frame pool; a copy of each element per tuple.
template <async_range... Ranges>
  requires(sizeof...(Ranges) > 0 && (std::copy_constructible<async_range_value_t<Ranges>> && ...))
[[nodiscard]] auto combine_latest(Ranges&&... ranges) {
  using run = detail::combine_latest_run<Ranges...>;
  return detail::running_ahead<typename run::value_type>(*new run(std::forward<Ranges>(ranges)...));
}

}  // namespace braid
