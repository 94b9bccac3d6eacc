#pragma once

#include <utility>

#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/style/detail/as_result_sender.hpp"
#include "braid/style/detail/awaitable_sender.hpp"

namespace braid {

/// A sender that runs op and completes with its result<T>, so that a failure or cancellation never throws.
///
///     const result<std::string> text = co_await as_result(read_file("/etc/hostname"));
///     log(text ? *text : text.error().message());
template <sender_or_factory S>
[[nodiscard]] auto as_result(S&& op) {
  return detail::as_result_sender<sender_of<S>>{as_sender(std::forward<S>(op))};
}
template <class X>
  requires(!sender_or_factory<X>)
detail::anything as_result(X&&) {
  return detail::takes_sender<X>();
}

}  // namespace braid
