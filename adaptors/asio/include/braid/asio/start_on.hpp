#pragma once

#include <boost/asio/async_result.hpp>
#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

#include "braid/asio/detail/start_on_initiation.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/detail/awaitable_sender.hpp"

namespace braid {

/// Begins a braid operation on a loop, as an Asio call: the token says how to wait for it. The other
/// direction of use_braid.
///
///     boost::asio::awaitable<std::string> page(loop& there) {  // in an Asio program
///       const auto fetching = [] { return fetch("index"); };
///       co_return co_await start_on(there, fetching, boost::asio::use_awaitable);
///     }
///
/// The completion signature is void(std::exception_ptr, T), or void(std::exception_ptr) for void.
///
/// Lifetime  op, or the function that makes it, is moved to the loop. The loop may have ended: then the
///           operation fails as operation_canceled. The handler's io_context outlives the loop.
/// Threads   any may call it. A function runs on the loop's thread, so that the operation is also made there.
///           The handler runs on its associated executor; without one it runs on the loop's thread.
/// Errors    std::system_error with braid's message, or the caller's own exception.
/// Cancel    cancellation at the handler's slot (from Boost 1.77 on) requests stop. The loop's end does, too.
/// Cost      a few blocks of memory, and a delivery between threads in each direction.
template <sender_or_factory S, class Token>
auto start_on(loop& there, S&& op, Token&& token) {
  using T = value_of<sender_of<S>>;
  static_assert(
      std::is_void_v<T> || std::default_initializable<T>,
      "start_on: Asio's handlers get a value beside each error, so the value's type needs a default: let "
      "op complete with a std::optional, or a std::unique_ptr");
  using signature = typename detail::start_on_signature<T>::type;
  return boost::asio::async_initiate<Token, signature>(detail::start_on_initiation<T>{&there}, token,
                                                       std::decay_t<S>(std::forward<S>(op)));
}
template <class X, class Token>
  requires(!sender_or_factory<X>)
detail::anything start_on(loop&, X&&, Token&&) {
  return detail::takes_sender<X>();
}

}  // namespace braid
