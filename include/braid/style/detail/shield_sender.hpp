#pragma once

#include <utility>

#include "braid/core/sender.hpp"

namespace braid::detail {

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

}  // namespace braid::detail
