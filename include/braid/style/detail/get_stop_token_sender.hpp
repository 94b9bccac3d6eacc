#pragma once

#include <utility>

#include "braid/core/sender.hpp"

namespace braid::detail {

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

}  // namespace braid::detail
