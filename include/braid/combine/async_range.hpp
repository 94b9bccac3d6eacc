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
}  // namespace detail

/// What gives its elements one by one, each of them awaited: next() is a sender of an optional, which is empty at the
/// end. It is asked for one element at a time, and for none behind the end or an error.
template <class Range>
concept async_range = requires(std::remove_reference_t<Range>& range) {
  { range.next() } -> sender;
  requires detail::is_optional<value_of<decltype(range.next())>>;
};

/// What an async_range consists of.
template <async_range Range>
using async_range_value_t =
    typename value_of<decltype(std::declval<std::remove_reference_t<Range>&>().next())>::value_type;

}  // namespace braid
