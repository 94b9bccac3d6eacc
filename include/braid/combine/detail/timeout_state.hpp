#pragma once

#include <cerrno>
#include <utility>

#include "braid/combine/detail/join.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

// A join of the operation and a sleep: when one ends, it stops the other.
template <sender S, sender Sleep, class R>
class timeout_state final : public join_base {
  using value_type = value_of<S>;

 public:
  timeout_state(S&& op, Sleep&& sleep, R receiver)
      : receiver_(std::move(receiver)),
        operation_(*this, 0, std::move(op)),
        sleep_(*this, 1, std::move(sleep)) {}
  [[nodiscard]] async_frame* frame() noexcept { return receiver_.frame(); }

  void start() noexcept {
    if (!begin(receiver_.get_stop_token())) return std::move(receiver_).finish(no_loop_error("with_timeout"));
    operation_.start();
    sleep_.start();
    release();
  }

  template <class Child>
  void on_finish(Child& child, std::size_t index) noexcept {
    timed_out_ = timed_out_ || (index == 1 && child.ended_result().has_value() && !stopping());
    stop_children();
  }

 private:
  void complete() noexcept override {
    R receiver = std::move(receiver_);
    result<value_type> ended = std::move(operation_.ended_result());
    if (timed_out_ && !ended && ended.error() == std::errc::operation_canceled)
      ended = timed_out(ended.error());
    std::move(receiver).finish(std::move(ended));
  }

  // Keeps what the cancellation says about earlier failures, for instance those of a retry.
  static error timed_out(const error& canceled) noexcept {
    error late(std::error_code(ETIMEDOUT, timeout_category()), "with_timeout");
    for (const error& each : canceled.suppressed()) late.suppress(each);
    late.set_transferred(canceled.transferred());
    return late;
  }

  R receiver_;
  bool timed_out_ = false;
  join_child<timeout_state, S> operation_;
  join_child<timeout_state, Sleep> sleep_;
};

template <sender S, sender Sleep>
struct timeout_sender {
  using sender_concept = sender_tag;
  using value_type = value_of<S>;
  S op;
  Sleep sleep;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return timeout_state<S, Sleep, R>(std::move(op), std::move(sleep), std::move(receiver));
  }
};

}  // namespace braid::detail
