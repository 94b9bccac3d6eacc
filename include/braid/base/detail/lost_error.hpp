#pragma once

#include <type_traits>

#include "braid/base/error.hpp"

namespace braid::detail {

/// The handler on this thread for errors that no caller is left for. The thread's loop sets it; null without
/// a loop.
using lost_error_fn = void(error failure) noexcept;
inline constinit thread_local lost_error_fn* lost_errors_go_to = nullptr;

/// Calls that handler. Without one it prints the error and terminates the program.
[[gnu::cold]] void report_lost(error failure) noexcept;

// Destroys a stored value. No caller is left for an exception of its destructor, so it is a lost error.
template <class T>
void end_value(T& value) noexcept {
  if constexpr (std::is_nothrow_destructible_v<T>) {
    value.~T();
  } else {
    try {
      value.~T();
    } catch (...) {
      report_lost(error::current());
    }
  }
}

}  // namespace braid::detail
