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

/// What a tuple, variant or vector of results holds in place of a T: std::monostate for void,
/// std::reference_wrapper for a reference, else a T without const.
template <class T>
using regular = typename detail::regular_type<T>::type;

/// Which of several operations it was, counted from 0, and its value.
template <class Value>
struct any_result {
  std::size_t index;
  Value value;
};

}  // namespace braid
