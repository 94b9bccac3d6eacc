#pragma once

#include <type_traits>

#include "braid/base/error.hpp"

namespace braid::detail {

/// Who is told of an error on this thread when no caller is left for it: a loop sets itself. Null where there
/// is none.
using lost_error_fn = void(error failure) noexcept;
inline constinit thread_local lost_error_fn* lost_errors_go_to = nullptr;

/// Tells them; without one, prints the error and terminates the program.
[[gnu::cold]] void report_lost(error failure) noexcept;

// Ends a value that was kept for somebody. What its destructor throws can be told to nobody else.
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
