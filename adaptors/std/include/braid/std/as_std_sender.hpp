#pragma once

#include <type_traits>
#include <utility>

#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/loop.hpp"
#include "braid/std/detail/execution.hpp"
#include "braid/style/detail/awaitable_sender.hpp"

#if BRAID_HAS_STD_EXECUTION
#include "braid/std/detail/as_std_operation.hpp"

namespace braid {

/// Makes a sender of std::execution of a braid operation, or of a function that returns one.
///
///     auto page = as_std_sender([] { return fetch("index"); });
///     auto size = std::move(page) | stdexec::then([](std::string text) { return text.size(); });
///     use(co_await from_std_sender(std::move(size)));
///
/// It completes with set_value(T), set_error(std::exception_ptr), or set_stopped().
///
/// Lifetime  the operation state of std::execution holds the braid operation: no allocation. It must live
///           until it has completed.
/// Threads   begins on this thread's loop and completes there. Without a loop it completes with a
///           std::logic_error: give the loop as the first argument.
/// Errors    std::system_error with braid's message, or the caller's own exception.
/// Cancel    a stop request of the receiver's stop token, on any thread, stops the operation. An
///           operation_canceled that was requested, or comes from the loop's end, is set_stopped(); any other
///           one is an error.
template <sender_or_factory S>
[[nodiscard]] auto as_std_sender(S&& op) {
  return detail::std_sender<sender_of<S>>(nullptr, as_sender(std::forward<S>(op)));
}
/// The same on a loop of any thread: begins on that loop's thread and completes there.
///
///     loop here;
///     std::jthread other([&] {
///       const auto pages = stdexec::sync_wait(as_std_sender(here, [] { return fetch("index"); }));
///       use(pages);
///     });
///     here.run(sleep_for(1s));
///
/// A function runs on that thread, so that the operation is also made there. If the loop has ended, the
/// operation completes with set_stopped(), on the calling thread.
template <sender_or_factory S>
[[nodiscard]] auto as_std_sender(loop& there, S&& op) {
  return detail::std_sender<sender_of<S>>(&there, as_sender(std::forward<S>(op)));
}
template <class X>
  requires(!sender_or_factory<X>)
detail::anything as_std_sender(X&&) {
  return detail::takes_sender<X>();
}

}  // namespace braid

#endif
