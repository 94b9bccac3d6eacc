#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/core/awaitable.hpp"
#include "braid/core/sender.hpp"

namespace braid::detail {

// Lets std::optional build an immovable object from what a function returns.
template <class F>
struct elided {
  F make;
  operator std::invoke_result_t<F&>() { return make(); }
};
template <class F>
elided(F) -> elided<F>;

template <class F, class R>
class defer_state : pinned {
 public:
  defer_state(F make, R receiver) : make_(std::move(make)), receiver_(std::move(receiver)) {}

  void start() noexcept {
    try {
      state_.emplace(elided{[this] { return connect(make_(), std::move(receiver_)); }});
    } catch (...) {
      return std::move(receiver_).finish(error::current());
    }
    state_->start();
  }

 private:
  F make_;
  R receiver_;
  std::optional<connected<std::invoke_result_t<F&>, R>> state_;
};

template <class F>
struct defer_sender {
  using sender_concept = sender_tag;
  using value_type = value_of<std::invoke_result_t<F&>>;
  F make;

  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return defer_state<F, R>(std::move(make), std::move(receiver));
  }
};

}  // namespace braid::detail
