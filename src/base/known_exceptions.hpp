#pragma once

#include <exception>
#include <optional>

#include "braid/base/error.hpp"

// What errors know of the exceptions that they throw, so that an exception that is caught one task further
// out is the same failure: kept for as long as the exception lives, and no longer.

namespace braid::detail {

/// Keeps known beside the exception, which known must not hold. It takes the place of what was kept before.
///
/// Threads  any.
/// Errors   without memory, or where the C++ runtime is none that we know, nothing is kept.
void keep_known(const std::exception_ptr& exception, error known) noexcept;

/// What is kept.
[[nodiscard]] std::optional<error> known_of(const std::exception_ptr& exception) noexcept;

}  // namespace braid::detail
