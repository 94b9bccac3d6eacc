#pragma once

#include "braid/loop/detail/nop_outcome.hpp"
#include "braid/loop/io_sender.hpp"

namespace braid {

/// A request that does nothing but go through the reactor and back. For measuring the cost of waiting.
///
///     for (int n = 0; n < 1000; ++n) co_await nop();
[[nodiscard]] inline auto nop() noexcept { return io_sender<detail::nop_outcome>{{}, {}}; }

}  // namespace braid
