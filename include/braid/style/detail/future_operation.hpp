#pragma once

#include <atomic>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/style/detail/future_state.hpp"

namespace braid::detail {

// A thread without a loop that blocks until a future is settled.
template <class T>
struct blocked_thread final : future_waiter {
  void woken() noexcept override {
    ready.store(true, std::memory_order_release);
    ready.notify_one();
  }
  std::atomic<bool> ready{false};
};

// The result as a waiter gets it: stop was requested of the future's operation, not of the waiter's own, so
// to the waiter a cancellation is an error like any other.
template <class T>
result<T> received(result<T>&& taken) noexcept {
  if (!taken) [[unlikely]]
    taken.error().set_requested(false);
  return std::move(taken);
}

// The operation of awaiting a future. A stop request goes on to the future's operation. If that operation
// does not listen, the waiter leaves the future and ends as cancelled.
template <class T, class R>
class future_operation final : future_waiter, cancellation {
 public:
  future_operation(future_state<T>* state, R receiver)
      : future_waiter(on_finish, loop::current("future")), state_(state), receiver_(std::move(receiver)) {}
  ~future_operation() {
    if (!waiting_) {
      if (state_ != nullptr) state_->drop();  // never waited for
      return;
    }
    cancellation::drop();
    if (state_ != nullptr && state_->remove_waiter(*this)) return;  // its settler owns it now
    withdraw_delivery();
    if (state_ != nullptr) state_->end_without_waiter();
  }

  void start() noexcept {
    waiting_ = true;
    if (!state_->add_waiter(*this)) return on_settled();
    arm<on_stop, on_late_stop>(receiver_.get_stop_token());
  }

 private:
  static void on_finish(braid::operation_base& base, completion) noexcept {
    auto& self = static_cast<future_operation&>(future_waiter::from(base));
    self.waiting_ = false;
    if (self.disarm()) self.finish();
  }
  static void on_stop(cancellation& base) noexcept {
    auto& self = static_cast<future_operation&>(base);
    if (!self.waiting_ || self.state_->request_stop(self.receiver_.get_stop_token().reason()) ||
        !self.state_->remove_waiter(self))
      return;
    self.state_ = nullptr;  // its settler owns it now
    self.on_settled();
  }
  static void on_late_stop(cancellation& base) noexcept { static_cast<future_operation&>(base).finish(); }

  void finish() noexcept {
    R receiver = std::move(receiver_);
    if (state_ == nullptr) return std::move(receiver).finish(error(std::errc::operation_canceled));
    std::move(receiver).finish(received(std::exchange(state_, nullptr)->take()));
  }

  future_state<T>* state_;
  bool waiting_ = false;
  R receiver_;
};

}  // namespace braid::detail
