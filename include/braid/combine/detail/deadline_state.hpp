#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "braid/combine/detail/timeout_rule.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/detail/value_frame.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/clock.hpp"
#include "braid/schedule/sleep.hpp"

namespace braid::detail {

inline constexpr char deadline_key = 0;  // of the frames that hold a deadline

// Runs an operation below a frame that holds its deadline, which when() gives at the start.
template <class When, sender S, class R>
class deadline_state : pinned {
 public:
  deadline_state(When when, S&& op, R receiver)
      : when_(std::move(when)),
        receiver_(std::move(receiver)),
        op_(connect(std::move(op), inner_receiver<deadline_state, value_of<S>>{this})) {}

  void start() noexcept {
    deadline_ = when_();
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
  [[no_unique_address]] When when_;
  R receiver_;
  loop_clock::time_point deadline_;
  value_frame frame_{&deadline_key, &deadline_};
  connected<S, inner_receiver<deadline_state, value_of<S>>> op_;
};

template <sender_or_factory S, class When>
auto timed(S&& op, sleep_sender<When> sleep) {
  using inner = argument_sender<deadline_state, value_of<sender_of<S>>, When, sender_of<S>>;
  return join<timeout_rule>(inner{{sleep.when}, {as_sender(std::forward<S>(op))}}, std::move(sleep));
}

struct ask_deadline {
  using value_type = std::optional<loop_clock::time_point>;
  static result<value_type> of(auto& receiver) noexcept {
    value_type earliest;
    const value_frame* found = value_frame::nearest(receiver.frame(), &deadline_key);
    for (; found != nullptr; found = value_frame::nearest(found->parent, &deadline_key)) {
      const auto one = *static_cast<const loop_clock::time_point*>(found->value);
      earliest = std::min(earliest.value_or(one), one);
    }
    return earliest;
  }
};

}  // namespace braid::detail
