#pragma once

#include <utility>

#include "braid/core/async_stack.hpp"
#include "braid/core/sender.hpp"

namespace braid::detail {

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

}  // namespace braid::detail
