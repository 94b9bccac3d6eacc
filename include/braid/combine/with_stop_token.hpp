#pragma once

#include <utility>

#include "braid/combine/detail/with_stop_token_state.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/style/detail/awaitable_sender.hpp"

namespace braid {

/// Lets a stop request at the source of `token` stop `op`, in addition to the requests that op obeys already.
///
///     stop_source shutdown;  // of the whole program
///     log(co_await with_stop_token(fetch("page"), shutdown.get_token()));
///
/// Lifetime  token's source outlives the operation.
/// Threads   stop may be requested on any thread.
/// Cancel    ends as operation_canceled, whichever source made the request.
/// Cost      two registrations if both tokens can stop, else none.
template <sender_or_factory S>
[[nodiscard]] auto with_stop_token(S&& op, stop_token token) {
  return detail::argument_sender<detail::with_stop_token_state, value_of<sender_of<S>>, sender_of<S>,
                                 stop_token>{{as_sender(std::forward<S>(op))}, {token}};
}
template <class X>
  requires(!sender_or_factory<X>)
detail::anything with_stop_token(X&&, stop_token) {
  return detail::takes_sender<X>();
}

}  // namespace braid
