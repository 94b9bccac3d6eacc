#pragma once

#include <cstddef>
#include <functional>
#include <type_traits>
#include <variant>

namespace braid {

namespace detail {
template <class T>
struct regular_type {
  using type = std::remove_cv_t<T>;
};
template <>
struct regular_type<void> {
  using type = std::monostate;
};
template <class T>
struct regular_type<T&> {
  using type = std::reference_wrapper<T>;
};
}  // namespace detail

/// The type that stands for a T in a tuple, variant or vector of results: std::monostate for void,
/// std::reference_wrapper for a reference, otherwise T without const.
///
///     static_assert(std::same_as<regular<void>, std::monostate>);
///     static_assert(std::same_as<regular<const int>, int>);
template <class T>
using regular = typename detail::regular_type<T>::type;

/// The value of one of several operations, with that operation's index.
///
///     using either = std::variant<std::string, std::monostate>;
///     const any_result<either> first = co_await when_any(fetch("page"), sleep_for(1s));
///     if (first.index == 0) log(std::get<0>(first.value));
template <class Value>
struct any_result {
  std::size_t index;  ///< of the operation, from 0
  Value value;        ///< what it completed with
};

}  // namespace braid
