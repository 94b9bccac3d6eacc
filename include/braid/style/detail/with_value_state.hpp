#pragma once

#include <concepts>
#include <utility>

#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/detail/value_frame.hpp"
#include "braid/core/sender.hpp"

namespace braid {
template <std::copy_constructible T>
class task_local;
}  // namespace braid

namespace braid::detail {

// Runs an operation below a frame that holds the value.
template <std::copy_constructible T, sender S, class R>
class with_value_state : pinned {
 public:
  with_value_state(const task_local<T>* local, T&& value, S&& op, R receiver)
      : receiver_(std::move(receiver)),
        value_(std::move(value)),
        frame_(local, &value_),
        op_(connect(std::move(op), inner_receiver<with_value_state, value_of<S>>{this})) {}

  void start() noexcept {
    frame_.called_by(receiver_.frame());
    op_.start();
  }

  // For the operation.
  void finish(result<value_of<S>>&& ended) noexcept {
    R receiver = std::move(receiver_);
    result<value_of<S>> kept = std::move(ended);
    std::move(receiver).finish(std::move(kept));
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept { return receiver_.get_stop_token(); }
  [[nodiscard]] async_frame* frame() noexcept { return &frame_; }

 private:
  R receiver_;
  const T value_;
  value_frame frame_;
  connected<S, inner_receiver<with_value_state, value_of<S>>> op_;
};

template <std::copy_constructible T>
struct ask_task_local {
  using value_type = T;
  const task_local<T>* local;
  result<T> of(auto& receiver) const noexcept {
    const value_frame* const found = value_frame::nearest(receiver.frame(), local);
    return capture(
        [&] { return found != nullptr ? *static_cast<const T*>(found->value) : local->otherwise(); });
  }
};

}  // namespace braid::detail
