#pragma once

#include <utility>

#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/style/detail/awaitable_sender.hpp"
#include "braid/style/detail/shield_sender.hpp"

namespace braid {

/// A sender that runs op without stop requests, for work that must be completed once it is begun, such as a
/// clean-up. A cancelled waiter still waits until op has ended. The loop's end ends op as usual.
///
///     co_await shield(write_file("/tmp/state", "closed"));  // a stop request does not reach it
template <sender_or_factory S>
[[nodiscard]] auto shield(S&& op) {
  return detail::shield_sender<sender_of<S>>{as_sender(std::forward<S>(op))};
}
template <class X>
  requires(!sender_or_factory<X>)
detail::anything shield(X&&) {
  return detail::takes_sender<X>();
}

}  // namespace braid
