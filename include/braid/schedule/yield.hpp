#pragma once

#include "braid/schedule/detail/yield_state.hpp"

namespace braid {

/// A sender that completes after everything else that is ready now has run.
///
///     for (int n = 0; n < 1'000'000; ++n) {
///       use(n);
///       if (n % 1000 == 0) co_await yield();  // others go on, too
///     }
///
/// Cancel  ends as operation_canceled if stop was requested or the loop ends, so that a busy loop of yields
///         can be stopped.
[[nodiscard]] inline auto yield() noexcept { return detail::yield_sender{}; }

}  // namespace braid
