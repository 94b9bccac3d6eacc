#pragma once

#include <concepts>
#include <type_traits>

#include "braid/core/awaitable.hpp"

// The diagnostics of a call whose argument is no operation: one line with the remedy, instead of the list of
// overloads that did not fit.
namespace braid::detail {

/// Such a call returns this. It converts to anything, so that the result causes no further diagnostics.
struct anything {
  template <class T>
  operator T() const;
};

// An `anything` counts as an operand: its diagnostic has been given already.
template <class X>
inline constexpr bool is_operand = sender_or_factory<X> || std::is_same_v<std::remove_cvref_t<X>, anything>;
template <class F>
inline constexpr bool is_plain_function = std::invocable<std::decay_t<F>&>;
template <class F>
inline constexpr bool has_parameters =
    std::is_function_v<std::remove_pointer_t<std::decay_t<F>>> || requires { &std::decay_t<F>::operator(); };

template <class X>
anything takes_sender() {
  if constexpr (is_plain_function<X>)
    static_assert(
        is_operand<X>,
        "this takes an operation, and the function given returns none: offload(f) runs a plain function on "
        "another thread, just_from(f) on this one");
  else if constexpr (has_parameters<X>)
    static_assert(is_operand<X>,
                  "this takes an operation, and the function given has parameters: write [&] { return "
                  "f(arguments); }, or "
                  "f(arguments) where that is a sender");
  else
    static_assert(
        is_operand<X>,
        "this takes an operation: a sender (what open_file, sleep_for or a task<T> is), an awaitable, or a "
        "function without parameters that returns one; a plain value is just(v)");
  return {};
}
template <class... X>
anything take_senders() {
  (static_cast<void>(takes_sender<X>()), ...);
  return {};
}

}  // namespace braid::detail
