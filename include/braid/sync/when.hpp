#pragma once

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/sync/detail/select_range.hpp"

namespace braid {

/// An operation for select that is disabled unless the condition holds.
///
///     channel<job> from(4), to(4);
///     std::optional<job> kept;
///     const auto send_kept = [&] { return to.send(*kept); };
///     for (;;) {
///       auto next = co_await select(when(!kept, from.receive()), when(kept.has_value(), send_kept));
///       kept = next.index == 0 ? std::get<0>(next.value) : std::nullopt;
///     }
///
/// The operation is also a function without parameters that returns it, which is called only if the condition
/// holds: for an operation that cannot be made otherwise. A future is named, as in select.
template <class X>
  requires detail::single_operation<X>
[[nodiscard]] auto when(bool condition, X&& op) {
  using branch = std::optional<decltype(detail::as_branch(std::forward<X>(op)))>;
  return condition ? branch(detail::as_branch(std::forward<X>(op))) : branch();
}
/// when with a function that makes the operation.
template <std::invocable F>
  requires(!detail::single_operation<F> && detail::is_selectable<std::invoke_result_t<F>>)
[[nodiscard]] auto when(bool condition, F&& make) {
  using branch = std::optional<std::invoke_result_t<F>>;
  return condition ? branch(std::forward<F>(make)()) : branch();
}

}  // namespace braid
