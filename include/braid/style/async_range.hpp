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

/// Elements that come one by one: next() is a sender of std::optional, empty at the end. It is asked for one
/// element at a time, and for none behind the end or an error.
template <class R>
concept async_range = requires(std::remove_reference_t<R>& range) {
  { range.next() } -> sender;
} && detail::is_optional<value_of<detail::next_of<R>>>;

/// What a range's elements are.
template <async_range R>
using async_range_value_t = typename value_of<detail::next_of<R>>::value_type;

}  // namespace braid
