#pragma once

#include <cerrno>
#include <chrono>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/detail/cancellation.hpp"
#include "braid/loop/detail/no_loop_error.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

namespace detail {

template <class Deadline>
struct timer_of {
  using type = timer_base;
};
template <class Deadline>
  requires requires { typename Deadline::timer; }
struct timer_of<Deadline> {
  using type = typename Deadline::timer;
};

// A timer that waits for a Deadline.
//
// operator()   the instant, asked when the wait begins
// is_due()     optional: reached already? For a select, which need not begin to wait then
// take()       optional: the instant is reached; false when the wait goes on, to another instant
// timer        optional: the class of its timer, which enter(timer, loop) and leave(timer) put where it needs
//              it
template <class Deadline>
class sleep_timer : public timer_of<Deadline>::type {
  using base = typename timer_of<Deadline>::type;

 protected:
  sleep_timer(Deadline when, timer_base::finish_fn& on_end) noexcept : base(on_end), when_(std::move(when)) {}

  template <class Frame>
  void begin_on(loop& home, Frame frame) noexcept {
    home_ = &home;
    queued_ = true;
    if constexpr (requires { when_.enter(*this, home); }) when_.enter(*this, home);
    home.add(*this, when_(), frame);
  }
  // The loop ends it as cancelled, in this turn or the next.
  void cancel() noexcept {
    if (!queued_) return;
    left_queue();
    home_->cancel(*this);
  }
  [[nodiscard]] bool reached_already() noexcept {
    if constexpr (requires { when_.is_due(); }) {
      if (!when_.is_due()) return false;
      if constexpr (requires { when_.take(); }) return when_.take();
      return true;
    }
    return false;
  }
  // For the timer's end: does the wait go on?
  template <class Frame>
  [[nodiscard]] bool goes_on(completion with, Frame frame) noexcept {
    if (queued_) left_queue();
    if constexpr (requires { when_.take(); }) {
      if (with.result == 0 && !when_.take()) return begin_on(*home_, frame), true;
    }
    return false;
  }

 private:
  void left_queue() noexcept {
    queued_ = false;
    if constexpr (requires { when_.leave(*this); }) when_.leave(*this);
  }

  Deadline when_;
  loop* home_ = nullptr;
  bool queued_ = false;

 protected:
  int code_ = 0;  // with which it ended; here, where there is room
};

template <class Deadline, class R>
class sleep_state final : sleep_timer<Deadline>, cancellation {
 public:
  sleep_state(Deadline when, R receiver) noexcept
      : sleep_timer<Deadline>(std::move(when), on_end), receiver_(std::move(receiver)) {}

  void start() noexcept {
    loop* home = loop::current_or_null();
    if (home == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error("sleep"));
    this->begin_on(*home, frame());
    arm(receiver_.get_stop_token(), on_stop, on_stop_arrived);
  }

 private:
  [[nodiscard]] auto frame() noexcept {
    return [this]() noexcept { return receiver_.frame(); };
  }
  static void on_end(operation_base& base, completion with) noexcept {
    auto& self = static_cast<sleep_state&>(static_cast<timer_base&>(base));
    if (self.goes_on(with, self.frame())) return;
    self.code_ = -with.result;
    if (self.disarm()) self.finish();
  }
  static void on_stop(cancellation& base) noexcept { static_cast<sleep_state&>(base).cancel(); }
  static void on_stop_arrived(cancellation& base) noexcept { static_cast<sleep_state&>(base).finish(); }

  void finish() noexcept {
    R receiver = std::move(receiver_);
    if (this->code_ == 0)
      std::move(receiver).finish(result<void>());
    else
      std::move(receiver).finish(error(std::error_code(this->code_, std::generic_category()), "sleep"));
  }

  R receiver_;
};

template <class Deadline>
struct sleep_sender {
  using sender_concept = sender_tag;
  using value_type = void;
  static constexpr bool completes_later = true;
  Deadline when;  // asked when the operation starts
  template <receiver_of<void> R>
  auto connect(R receiver) && noexcept {
    return sleep_state<Deadline, R>(std::move(when), std::move(receiver));
  }
};

struct instant {
  loop_clock::time_point t;
  [[nodiscard]] loop_clock::time_point operator()() const noexcept { return t; }
  [[nodiscard]] bool is_due() const noexcept { return t <= loop_clock::now(); }
};

}  // namespace detail

/// Completes when loop_clock has reached t; at the next turn when it has already.
///
/// Threads  the current loop's.
/// Cancel   ends at once as operation_canceled.
/// Cost     an intrusive node in the loop's heap: no allocation, no system call of its own.
[[nodiscard]] inline auto sleep_until(loop_clock::time_point t) noexcept {
  return detail::sleep_sender<detail::instant>{{t}};
}
/// The same for any unit.
template <class Duration>
[[nodiscard]] auto sleep_until(std::chrono::time_point<loop_clock, Duration> t) noexcept {
  return sleep_until(loop_clock::saturated(t));
}

/// Completes d after it was begun; d of zero or less, or that is no number, at the next turn. Otherwise as
/// sleep_until.
[[nodiscard]] inline auto sleep_for(loop_clock::duration d) noexcept {
  return detail::sleep_sender{[d]() noexcept { return loop_clock::after(d); }};
}
/// The same for any unit, whole or fractional. What is longer than loop_clock::duration::max() is that.
template <class Rep, class Period>
[[nodiscard]] auto sleep_for(std::chrono::duration<Rep, Period> d) noexcept {
  return sleep_for(loop_clock::saturated(d));
}

}  // namespace braid
