#pragma once

#include "braid/loop/loop.hpp"
#include "braid/schedule/detail/resume_on_state.hpp"

namespace braid {

/// A sender that moves a coroutine to the other loop's thread. The coroutine runs there until it ends or
/// moves again; its awaiter resumes at home. In the other styles the waiter cannot move: the operation
/// completes at home after a turn of the other loop.
///
///     task<> draw(loop& screen) {
///       const std::string image = co_await fetch("image");
///       co_await resume_on(screen);  // from here on this coroutine runs on screen's thread
///       use(image);
///     }
///
/// Lifetime  the other loop must run, or end, after the coroutine has arrived. The home loop counts a
///           coroutine that is away as its work: its run() and its end wait until the coroutine returns.
/// Threads   may be started on any thread; without a loop it completes on the other loop's thread.
/// Errors    std::bad_alloc, and the task stays, if there is no memory for its way back.
[[nodiscard]] inline auto resume_on(loop& there) noexcept { return detail::resume_on_sender{&there}; }

}  // namespace braid
