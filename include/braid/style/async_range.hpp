#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "braid/core/sender.hpp"

namespace braid {

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class R>
using next_of = decltype(std::declval<std::remove_reference_t<R>&>().next());

}  // namespace detail

/// A range whose elements arrive one by one: next() is a sender of std::optional, which is empty at the end.
/// Callers await one next() at a time, and none after the end or an error.
///
///     template <async_range Range>
///     task<std::size_t> count(Range& range) {
///       std::size_t seen = 0;
///       while (co_await range.next()) ++seen;
///       co_return seen;
///     }
template <class R>
concept async_range = requires(std::remove_reference_t<R>& range) {
  { range.next() } -> sender;
} && detail::is_optional<value_of<detail::next_of<R>>>;

/// The type of a range's elements.
///
///     static_assert(std::same_as<async_range_value_t<async_generator<job>>, job>);
template <async_range R>
using async_range_value_t = typename value_of<detail::next_of<R>>::value_type;

}  // namespace braid
