#pragma once

#include "braid/schedule/detail/stop_requested_state.hpp"

namespace braid {

/// A sender that completes once stop of its waiter is requested: for a task that has nothing else to wait
/// for, or that wants to hear of the request although its work is shielded from it.
///
///     task<> serve_until_stopped() {
///       detach(serve_all());
///       co_await stop_requested();  // completes; every later await fails as cancelled
///       log("the server closes");
///     }
///
/// Without a stop token it never completes, and the loop does not count it as work: loop::run() returns.
///
/// Threads  the current loop's; the request may come from any thread.
/// Cancel   is what it waits for: it completes with success.
/// Cost     no allocation.
[[nodiscard]] inline auto stop_requested() noexcept { return detail::stop_requested_sender{}; }

}  // namespace braid
