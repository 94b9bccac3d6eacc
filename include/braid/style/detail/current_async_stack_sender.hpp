#pragma once

#include <utility>

#include "braid/core/async_stack.hpp"
#include "braid/core/sender.hpp"

namespace braid::detail {

template <class R>
struct current_async_stack_state : pinned {
  explicit current_async_stack_state(R waiting) : receiver(std::move(waiting)) {}
  void start() noexcept {
    R waiting = std::move(receiver);
    const async_frame* const innermost = waiting.frame();
    std::move(waiting).finish(capture(stack_of, innermost));
  }
  R receiver;
};

struct current_async_stack_sender {
  using sender_concept = sender_tag;
  using value_type = async_stack;
  template <receiver_of<async_stack> R>
  auto connect(R receiver) && {
    return current_async_stack_state<R>(std::move(receiver));
  }
};

}  // namespace braid::detail
