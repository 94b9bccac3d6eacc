#pragma once

#include "braid/core/detail/asking_sender.hpp"

namespace braid {

/// A sender that completes at once with its waiter's stop token: co_await get_stop_token().
///
///     const stop_token stop = co_await get_stop_token();
///     while (!stop.stop_requested()) co_await yield();
[[nodiscard]] inline auto get_stop_token() noexcept {
  return detail::asking_sender<detail::ask_stop_token>{};
}

}  // namespace braid
