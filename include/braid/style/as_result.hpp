#pragma once

#include <utility>

#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/style/detail/awaitable_sender.hpp"

namespace braid {

namespace detail {

template <class T, class R>
struct as_result_receiver {
  R receiver;
  void finish(result<T> ended) && noexcept {
    if (!ended)
      attach_stack(ended.error(), receiver.frame());  // never thrown, so nothing else attaches a stack
    std::move(receiver).finish(result<result<T>>(std::in_place, std::move(ended)));
  }
  [[nodiscard]] stop_token get_stop_token() const noexcept { return receiver.get_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return receiver.frame(); }
};

template <sender S>
struct as_result_sender {
  using sender_concept = sender_tag;
  using value_type = result<value_of<S>>;
  S op;

  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return braid::connect(std::move(op), as_result_receiver<value_of<S>, R>{std::move(receiver)});
  }
};

}  // namespace detail

/// A sender that runs op and completes with its result<T>, so that a failure or cancellation never throws.
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
