#pragma once

#include <utility>

#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"

namespace braid::http::detail {

// Runs op, and calls on_waiting() if op has not ended within its start.
template <class OnWaiting, sender S, class R>
class meanwhile_state : pinned {
 public:
  meanwhile_state(OnWaiting on_waiting, S&& op, R receiver)
      : on_waiting_(on_waiting),
        receiver_(std::move(receiver)),
        op_(connect(std::move(op), braid::detail::inner_receiver<meanwhile_state, value_of<S>>{this})) {}

  void start() noexcept {
    bool ended = false;
    ended_ = &ended;
    op_.start();
    if (ended) return;  // and so may have this
    ended_ = nullptr;
    on_waiting_();
  }

  // For op.
  void finish(result<value_of<S>>&& ended) noexcept {
    if (ended_ != nullptr) *ended_ = true;
    R receiver = std::move(receiver_);
    result<value_of<S>> kept = std::move(ended);
    std::move(receiver).finish(std::move(kept));
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept { return receiver_.get_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return receiver_.frame(); }

 private:
  OnWaiting on_waiting_;
  R receiver_;
  bool* ended_ = nullptr;  // while op starts
  connected<S, braid::detail::inner_receiver<meanwhile_state, value_of<S>>> op_;
};

template <sender S, class OnWaiting>
auto meanwhile(S op, OnWaiting on_waiting) {
  return braid::detail::argument_sender<meanwhile_state, value_of<S>, OnWaiting, S>{{on_waiting},
                                                                                    {std::move(op)}};
}

}  // namespace braid::http::detail
