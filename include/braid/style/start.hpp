#pragma once

#include <concepts>
#include <source_location>
#include <type_traits>
#include <utility>

#include "braid/base/result.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/detail/awaitable_sender.hpp"
#include "braid/style/detail/start_box.hpp"

namespace braid {

/// The callback verb: begins op. When op has ended, handler(result<T>) runs on this thread's loop, never
/// within this call.
///
///     start(fetch("page"), [](result<std::string> text) { log(text ? *text : text.error().message()); });
///
/// Lifetime  op and handler are kept until then, in a block of the frame pool. At the loop's end the handler
///           of an operation that can be cancelled runs with operation_canceled; any other handler is
///           destroyed with its operation.
/// Errors    throws std::logic_error on a thread without a loop. An exception of the handler goes to the
///           loop's unhandled-error handler.
template <sender_or_factory S, class Handler>
  requires std::invocable<std::decay_t<Handler>&, result<value_of<sender_of<S>>>>
void start(S&& op, Handler&& handler, std::source_location where = std::source_location::current()) {
  using returned = std::invoke_result_t<std::decay_t<Handler>&, result<value_of<sender_of<S>>>>;
  static_assert(!lazy_sender<returned>,
                "start drops the sender that its handler returns: detach it in the handler");
  detail::start_box<sender_of<S>, std::decay_t<Handler>>::begin(
      as_sender(std::forward<S>(op)), std::decay_t<Handler>(std::forward<Handler>(handler)), where);
}

template <class X, class Handler>
  requires(!sender_or_factory<X>)
void start(X&&, Handler&&) {
  detail::takes_sender<X>();
}
template <sender_or_factory S, class Handler>
  requires(!std::invocable<std::decay_t<Handler>&, result<value_of<sender_of<S>>>>)
void start(S&&, Handler&&) {
  static_assert(std::invocable<std::decay_t<Handler>&, result<value_of<sender_of<S>>>>,
                "start: the handler gets a result<T>, a value or an error: start(op, [](braid::result<T> "
                "ended) { … }), "
                "where op is a sender of T");
}

/// The verb for an operation that nobody waits for: begins op. Its error goes to the loop's unhandled-error
/// handler, with the place of the detach; a requested cancellation does not. Otherwise like start.
///
///     detach(serve(std::move(peer)));
template <sender_or_factory S>
void detach(S&& op, std::source_location where = std::source_location::current()) {
  (void)loop::current("detach");
  detail::start_box<sender_of<S>, detail::loud_handler>::begin(as_sender(std::forward<S>(op)), {}, where);
}

template <class X>
  requires(!sender_or_factory<X>)
void detach(X&&) {
  detail::takes_sender<X>();
}

}  // namespace braid
