#pragma once

#include <utility>

#include "braid/core/sender.hpp"

namespace braid {

namespace detail {

template <class R>
struct get_stop_token_state : pinned {
  explicit get_stop_token_state(R waiting) : receiver(std::move(waiting)) {}
  void start() noexcept {
    R waiting = std::move(receiver);
    const stop_token token = waiting.get_stop_token();
    std::move(waiting).finish(token);
  }
  R receiver;
};

struct get_stop_token_sender {
  using sender_concept = sender_tag;
  using value_type = stop_token;
  template <receiver_of<stop_token> R>
  auto connect(R receiver) && {
    return get_stop_token_state<R>(std::move(receiver));
  }
};

}  // namespace detail

/// A sender that completes at once with its waiter's stop token: co_await get_stop_token().
[[nodiscard]] inline auto get_stop_token() noexcept { return detail::get_stop_token_sender{}; }

}  // namespace braid
