#pragma once

#include <coroutine>
#include <system_error>
#include <utility>

#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/loop/timer_base.hpp"

namespace braid::detail {

template <class Deadline>
struct timer_of {
  using type = timer_base;
};
template <class Deadline>
  requires requires { typename Deadline::timer; }
struct timer_of<Deadline> {
  using type = typename Deadline::timer;
};

// A timer that waits for a Deadline, which has:
//
// operator()   the instant, called when the wait begins
// is_due()     optional: is the instant reached already? Then a select need not begin to wait
// take()       optional: called at the instant; false if the wait continues, to another instant
// timer        optional: the timer's base class; enter(timer, loop) and leave(timer) are called around a wait
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
    home.operations().add(*this, when_(), frame);
  }
  // The loop completes the timer as cancelled, in this turn or the next.
  void cancel() noexcept {
    if (!queued_) return;
    left_queue();
    home_->operations().cancel(*this);
  }
  [[nodiscard]] bool reached_already() noexcept {
    if constexpr (requires { when_.is_due(); }) {
      if (!when_.is_due()) return false;
      if constexpr (requires { when_.take(); }) return when_.take();
      return true;
    }
    return false;
  }
  // Called when the timer completes: does the wait go on?
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
  int code_ = 0;  // the errno of the completion; stored here because it fits into padding
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
    arm<on_stop, on_late_stop>(receiver_.get_stop_token());
  }

 private:
  // Called only where the loop tracks its tasks.
  [[nodiscard]] auto frame() noexcept {
    return [this]() noexcept {
      if constexpr (is_awaited<R>) task_tracker::check_sleep(receiver_.frame());
      return receiver_.frame();
    };
  }
  static void on_end(operation_base& base, completion with) noexcept {
    auto& self = static_cast<sleep_state&>(static_cast<timer_base&>(base));
    if (self.goes_on(with, self.frame())) return;
    self.code_ = -with.result;
    if (self.disarm()) self.finish();
  }
  static void on_stop(cancellation& base) noexcept { static_cast<sleep_state&>(base).cancel(); }
  static void on_late_stop(cancellation& base) noexcept { static_cast<sleep_state&>(base).finish(); }

  void finish() noexcept {
    R receiver = std::move(receiver_);
    if (this->code_ == 0)
      std::move(receiver).finish(result<void>());
    else
      std::move(receiver).finish(error(std::error_code(this->code_, std::generic_category()), "sleep"));
  }

  R receiver_;
};

// The awaiter of a coroutine: the timer alone, without an operation state around it. For a wait that ends at
// the first instant.
template <class Deadline>
class sleep_awaiter final : timer_base, cancellation {
 public:
  explicit sleep_awaiter(Deadline when) noexcept : timer_base(on_end), when_(when) {}

  [[nodiscard]] bool await_ready() const {
    if (loop::current_or_null() == nullptr) [[unlikely]]
      no_loop_error("sleep").rethrow();
    return false;
  }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    Promise& promise = awaiting.promise();
    const loop_clock::time_point deadline = when_();
    awaiting_ = awaiting.address();
    loop::current_or_null()->operations().add(*this, deadline, [&promise]() noexcept {
      task_tracker::check_sleep(promise.frame());
      return promise.frame();
    });
    arm<on_stop, on_late_stop>(promise.get_stop_token());
  }
  void await_resume() const {
    if (code_ != 0) [[unlikely]]
      fail();
  }

 private:
  // Never inlined, because the coroutine's frame would keep room for the error.
  [[noreturn, gnu::cold, gnu::noinline]] void fail() const {
    error(std::error_code(code_, std::generic_category()), "sleep").rethrow();
  }
  // Not noexcept, so that the resumption compiles to a jump.
  static void on_end(operation_base& base, completion with) {
    auto& self = static_cast<sleep_awaiter&>(static_cast<timer_base&>(base));
    self.code_ = -with.result;
    if (self.disarm()) [[likely]]
      self.resume();
  }
  static void on_stop(cancellation& base) noexcept {
    loop::current().operations().cancel(static_cast<sleep_awaiter&>(base));
  }
  static void on_late_stop(cancellation& base) noexcept { static_cast<sleep_awaiter&>(base).resume(); }
  void resume() { std::coroutine_handle<>::from_address(awaiting_).resume(); }

  int code_;  // the errno it ends with. The first member, in the padding of cancellation
  union {
    Deadline when_;  // until it begins
    void* awaiting_;  // then
  };
};

template <class Deadline>
struct sleep_sender {
  using sender_concept = sender_tag;
  using value_type = void;
  static constexpr bool completes_later = true;
  Deadline when;
  // For a coroutine's promise.
  auto awaited_by(auto&) && noexcept
    requires(!requires { when.take(); })
  {
    return sleep_awaiter<Deadline>(when);
  }
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

}  // namespace braid::detail
