#pragma once

#include "braid/base/error.hpp"

namespace braid {

/// The std::logic_error of an operation that was started on a thread without a loop:
///
///     template <receiver_of<void> R>
///     void start(R receiver) {
///       if (loop::current_or_null() == nullptr) std::move(receiver).finish(no_loop_error("delay"));
///     }
[[nodiscard]] error no_loop_error(const char* call) noexcept;

}  // namespace braid
