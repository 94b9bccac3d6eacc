#pragma once

#include <cstdint>
#include <tuple>
#include <utility>

#include "braid/core/detail/takes_sender.hpp"
#include "braid/sync/detail/select_state.hpp"

namespace braid {

/// The order in which a select asks its operations whether they are possible at once.
///
///     channel<job> urgent(16), usual(16);
///     auto next = co_await select(select_order::fair, urgent.receive(), usual.receive());
enum class select_order : std::uint8_t {
  first,  ///< in the order of the arguments: put first what the others must not starve
  fair,  ///< from a random one on: of n, each possible one is chosen at least once in n times on average
};

/// Does exactly one of several operations, the first that is possible: {index, value} as when_any. The others
/// do not happen at all: no element is received and dropped, no lock is taken for nothing. If several are
/// possible at once, the first argument wins; select(select_order::fair, …) begins with a random one.
///
///     event stopped;
///     interval ticks(1s);
///     channel<job> jobs(16);
///     auto next = co_await select(stopped.wait(), ticks.next(), jobs.receive());
///     if (next.index == 2) work_on(*std::get<2>(next.value));
///
/// A future stands for an operation that runs. It goes on if select chooses another one, and can be given to
/// the next select. If it is chosen, its value is the select's, and the future is moved from.
///
///     future<std::string> page = spawn(fetch("page"));
///     interval ticks(1s);
///     while (page.valid()) {
///       auto next = co_await select(page, ticks.next());
///       log(next.index == 0 ? std::get<0>(next.value) : "still waiting");
///     }
///
/// Takes operations that can be withdrawn up to the last moment: waits on a mutex, shared_mutex, semaphore,
/// event, auto_reset_event, latch, barrier, channel (send, send_from, receive, reserve), broadcast or watch;
/// sleep_for, sleep_until and interval::next(). Several may concern one object: each has its own place in the
/// queue, in the order of the arguments. It takes no task, no operation of the kernel and no combinator,
/// since these may have happened when they are stopped: spawn those, and give select the future.
///
/// A range of such operations, or of futures, may be an argument: its value is {index, value} in its turn. A
/// select of only a range has that value itself. when(condition, op), or an empty std::optional, disables an
/// operation; so does a future that was moved from.
///
///     std::vector<future<std::string>> pages;
///     for (const char* name : {"one", "two"}) pages.push_back(spawn(fetch(name)));
///     for (auto left = pages.size(); left > 0; --left) log((co_await select(pages)).value);
///
/// Lifetime  the objects, futures, elements of send_from and ranges outlive it. A future must not be given
///           to another operation meanwhile, but may be asked to stop.
/// Errors    the chosen operation's. std::invalid_argument if all operations are disabled.
/// Cancel    none of the operations happens; those behind futures go on.
/// Cost      no allocation but one array for each range; all operation states are inside this one.
template <class... X>
  requires(sizeof...(X) > 0)
[[nodiscard]] auto select(select_order order, X&&... ops) {
  static_assert((!(detail::any_future<X> && !detail::lvalue_future<X>) && ...),
                "select: name the future, without std::move: it goes on if another operation is chosen");
  static_assert(
      ((detail::any_future<X> || detail::select_argument<X>) && ...),
      "select: this operation may have happened before it can be withdrawn: spawn it and select the "
      "future, or use when_any");
  if constexpr ((detail::select_argument<X> && ...))
    return detail::select_sender<detail::branch_of<X>...>{
        {order}, {std::tuple<detail::branch_of<X>...>(detail::as_branch(std::forward<X>(ops))...)}};
  else
    return detail::anything();
}
/// select in the order of the arguments.
template <class... X>
  requires(sizeof...(X) > 0)
[[nodiscard]] auto select(X&&... ops) {
  return select(select_order::first, std::forward<X>(ops)...);
}

}  // namespace braid
