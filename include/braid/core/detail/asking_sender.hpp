#pragma once

#include <coroutine>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/core/sender.hpp"

namespace braid::detail {

// Completes at once with what Ask reads from the receiver: Ask::value_type and ask.of(receiver).
template <class Ask, class R>
class asking_state : pinned {
 public:
  asking_state(Ask ask, R receiver) : ask_(ask), receiver_(std::move(receiver)) {}
  void start() noexcept {
    R receiver = std::move(receiver_);
    result<typename Ask::value_type> answer = ask_.of(receiver);
    std::move(receiver).finish(std::move(answer));
  }

 private:
  [[no_unique_address]] Ask ask_;
  R receiver_;
};

// Answers a coroutine without an operation state.
template <class Ask, class Promise>
class asking_awaiter {
 public:
  asking_awaiter(Ask ask, Promise& waiter) noexcept : ask_(ask), waiter_(waiter) {}
  static bool await_ready() noexcept { return true; }
  static void await_suspend(std::coroutine_handle<>) noexcept {}
  typename Ask::value_type await_resume() { return ask_.of(waiter_).value(); }

 private:
  [[no_unique_address]] Ask ask_;
  Promise& waiter_;
};

template <class Ask>
struct asking_sender {
  using sender_concept = sender_tag;
  using value_type = typename Ask::value_type;
  [[no_unique_address]] Ask ask = {};

  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return asking_state<Ask, R>(ask, std::move(receiver));
  }
  template <class Promise>
  asking_awaiter<Ask, Promise> awaited_by(Promise& waiter) && noexcept {
    return {ask, waiter};
  }
};

struct ask_stop_token {
  using value_type = stop_token;
  static result<stop_token> of(auto& receiver) noexcept { return receiver.get_stop_token(); }
};
struct ask_async_stack {
  using value_type = async_stack;
  static result<async_stack> of(auto& receiver) noexcept { return capture(stack_of, receiver.frame()); }
};

}  // namespace braid::detail
