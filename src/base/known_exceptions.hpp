#pragma once

#include <exception>
#include <optional>

#include "braid/base/error.hpp"

// A table of what errors know about the exceptions that they throw: a task further out that catches the
// exception gets the same error back. An entry lives exactly as long as its exception.

namespace braid::detail {

/// Stores known for the exception and replaces an earlier entry. known must not hold the exception itself.
///
/// Threads  any.
/// Errors   without memory, or with an unknown C++ runtime, nothing is stored.
void keep_known(const std::exception_ptr& exception, error known) noexcept;

/// The error stored for the exception, if any.
[[nodiscard]] std::optional<error> known_of(const std::exception_ptr& exception) noexcept;

}  // namespace braid::detail
