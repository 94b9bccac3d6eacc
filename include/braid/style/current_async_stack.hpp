#pragma once

#include <utility>

#include "braid/core/async_stack.hpp"
#include "braid/core/sender.hpp"

namespace braid {

namespace detail {

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

}  // namespace detail

/// A sender that completes at once with the chain of awaits that led here, from its own await out to the
/// verb: co_await current_async_stack(), or await(current_async_stack()). format_stack prints it.
[[nodiscard]] inline auto current_async_stack() noexcept { return detail::current_async_stack_sender{}; }

}  // namespace braid
