#pragma once

#include <cstddef>
#include <type_traits>
#include <variant>

namespace braid {

/// T, with void as std::monostate: what a tuple, variant or vector of results holds.
template <class T>
using regular = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// Which of several operations it was, counted from 0, and its value.
template <class Value>
struct any_result {
  std::size_t index;
  Value value;
};

}  // namespace braid
