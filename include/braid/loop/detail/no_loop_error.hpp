#pragma once

#include "braid/base/error.hpp"

namespace braid::detail {

/// The std::logic_error of an operation that was started on a thread without a loop.
[[nodiscard]] error no_loop_error(const char* call) noexcept;

}  // namespace braid::detail
