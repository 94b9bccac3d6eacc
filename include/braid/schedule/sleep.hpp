#pragma once

#include <cerrno>
#include <chrono>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/io_sender.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

namespace detail {

template <class Deadline, class R>
class sleep_state final : timer_base, cancellation {
 public:
  sleep_state(Deadline when, R receiver) noexcept
      : timer_base(ended), when_(when), receiver_(std::move(receiver)) {}

  void start() noexcept {
    loop* home = loop::current_or_null();
    if (home == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error("sleep"));
    home_ = home;
    queued_ = true;
    home->add(*this, when_(), [this]() noexcept { return receiver_.frame(); });
    arm(receiver_.get_stop_token(), cancel, resumed);
  }

 private:
  static void ended(operation_base& base, completion with) noexcept {
    auto& self = static_cast<sleep_state&>(static_cast<timer_base&>(base));
    self.queued_ = false;
    self.code_ = -with.result;
    if (self.disarm()) self.finish();
  }
  static void cancel(cancellation& base) noexcept {
    auto& self = static_cast<sleep_state&>(base);
    if (std::exchange(self.queued_, false)) self.home_->cancel(self);
  }
  static void resumed(cancellation& base) noexcept { static_cast<sleep_state&>(base).finish(); }

  void finish() noexcept {
    R receiver = std::move(receiver_);
    if (code_ == 0)
      std::move(receiver).finish(result<void>());
    else
      std::move(receiver).finish(error(std::error_code(code_, std::generic_category()), "sleep"));
  }

  Deadline when_;
  loop* home_ = nullptr;
  bool queued_ = false;
  int code_ = 0;
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
    return sleep_state<Deadline, R>(when, std::move(receiver));
  }
};

}  // namespace detail

/// Completes when loop_clock has reached t; at the next turn when it has already.
///
/// Threads  the current loop's.
/// Cancel   ends at once as operation_canceled.
/// Cost     an intrusive node in the loop's heap: no allocation, no system call of its own.
[[nodiscard]] inline auto sleep_until(loop_clock::time_point t) noexcept {
  return detail::sleep_sender{[t]() noexcept { return t; }};
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
