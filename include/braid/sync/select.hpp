#pragma once

#include <type_traits>
#include <utility>

#include "braid/core/detail/takes_sender.hpp"
#include "braid/sync/detail/select_state.hpp"

namespace braid {

/// Does exactly one of several operations, the first that is possible: {index, value} as when_any. The others
/// do not happen at all: no element is received and dropped, no lock is taken for nothing. If several are
/// possible at once, the first argument wins, so put first what the others must not starve.
///
///     event stopped;
///     interval ticks(1s);
///     channel<job> jobs(16);
///     auto next = co_await select(stopped.wait(), ticks.next(), jobs.receive());
///     if (next.index == 2) work_on(*std::get<2>(next.value));
///
/// Takes operations that can be withdrawn up to the last moment: waits on a mutex, shared_mutex, semaphore,
/// event, auto_reset_event, latch, barrier, channel (send, send_from, receive, reserve), broadcast or watch;
/// sleep_for, sleep_until and interval::next(). Several may concern one object: each has its own place in the
/// queue, in the order of the arguments. It takes no task, no operation of the kernel and no combinator,
/// since these may have happened when they are stopped: use when_any, whose losers are stopped, or let a task
/// send its result through a channel.
///
/// Lifetime  the objects, and the elements of send_from, outlive it.
/// Errors    the chosen operation's.
/// Cancel    none of the operations happens.
/// Cost      no allocation; all operation states are inside this one.
template <class... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto select(S&&... ops) {
  static_assert((detail::selectable<std::remove_cvref_t<S>> && ...),
                "select: this operation may have happened before it can be withdrawn: use when_any, "
                "or let a task send its result through a channel");
  if constexpr ((detail::selectable<std::remove_cvref_t<S>> && ...))
    return detail::select_sender<std::remove_cvref_t<S>...>{{std::forward<S>(ops)...}};
  else
    return detail::anything();
}

}  // namespace braid
