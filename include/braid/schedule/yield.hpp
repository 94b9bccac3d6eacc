#pragma once

#include "braid/schedule/detail/yield_state.hpp"

namespace braid {

/// A sender that completes after everything else that is ready now has run.
/// Cancel  ends as operation_canceled if stop was requested or the loop ends, so that a busy loop of yields
///         can be stopped.
[[nodiscard]] inline auto yield() noexcept { return detail::yield_sender{}; }

}  // namespace braid
