#pragma once

#include "braid/style/detail/get_stop_token_sender.hpp"

namespace braid {

/// A sender that completes at once with its waiter's stop token: co_await get_stop_token().
///
///     const stop_token stop = co_await get_stop_token();
///     while (!stop.stop_requested()) co_await yield();
[[nodiscard]] inline auto get_stop_token() noexcept { return detail::get_stop_token_sender{}; }

}  // namespace braid
