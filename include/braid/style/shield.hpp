#pragma once

#include <utility>

#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/style/detail/awaitable_sender.hpp"

namespace braid {

namespace detail {

template <class T, class R>
struct shield_receiver {
  R receiver;
  void finish(result<T> ended) && noexcept { std::move(receiver).finish(std::move(ended)); }
  [[nodiscard]] stop_token get_stop_token() const noexcept { return {}; }
  [[nodiscard]] async_frame* frame() const noexcept { return receiver.frame(); }
};

template <sender S>
struct shield_sender {
  using sender_concept = sender_tag;
  using value_type = value_of<S>;
  S op;

  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return braid::connect(std::move(op), shield_receiver<value_type, R>{std::move(receiver)});
  }
};

}  // namespace detail

/// A sender that runs op without stop requests, for work that must be completed once it is begun, such as a
/// clean-up. A cancelled waiter still waits until op has ended. The loop's end ends op as usual.
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
