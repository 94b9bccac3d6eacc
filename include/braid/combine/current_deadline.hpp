#pragma once

#include "braid/combine/detail/deadline_state.hpp"
#include "braid/core/detail/asking_sender.hpp"

namespace braid {

/// A sender that completes at once with the earliest deadline of the with_timeout and with_deadline around
/// the waiter, or with an empty optional if there is none. Send it to a server that works for the caller.
///
///     task<> ask(const char* name) {
///       const auto end = co_await current_deadline();
///       if (end && *end - loop_clock::now() < 5ms) co_return log("too late to ask");
///       log(co_await fetch(name));
///     }
///
///     co_await with_timeout(ask("page"), 1s);
///
/// It sees as far as the values of a task_local flow. Other reasons to stop have no deadline.
///
/// Cost  a walk over the asynchronous stack.
[[nodiscard]] inline auto current_deadline() noexcept {
  return detail::asking_sender<detail::ask_deadline>{};
}

}  // namespace braid
