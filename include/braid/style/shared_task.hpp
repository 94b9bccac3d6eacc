#pragma once

#include <stdexcept>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/style/detail/shared_run.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// A task with any number of waiters: it begins at the first await, runs once, and gives every waiter its
/// value as a const T&. A coroutine may return one, and a task converts to one. Handles can be copied; await
/// them as they are: co_await shared.
///
///     shared_task<std::string> load() { co_return co_await fetch("settings"); }
///     const shared_task<std::string> settings = load();
///     const std::string& text = co_await settings;  // begins the task
///     co_await settings;                            // has the value already
///
/// Lifetime  the value, and references to it, live as long as a handle exists.
/// Threads   one loop: that of the first await. An await on another loop during the run fails with
///           std::logic_error.
/// Errors    an exception goes to every waiter, with the first waiter's asynchronous stack.
/// Cancel    a cancelled waiter leaves, and the run continues for the others. The last waiter stops the run
///           and waits for its end; a waiter that arrives meanwhile gets the same end.
/// Cost      a block of the frame pool besides the task's. An await after the end completes at once.
template <class T = void>
class [[nodiscard]] shared_task {
 public:
  using promise_type = detail::shared_task_promise<T>;
  using sender_concept = sender_tag;
  using value_type = detail::shared_value<T>;
  static constexpr bool awaited_by_copy = true;

  shared_task(task<T> once) : shared_task(*new detail::shared_run<T>(std::move(once))) {}
  shared_task(const shared_task& other) noexcept : run_(other.run_) {
    if (run_ != nullptr) run_->add_reference();
  }
  shared_task(shared_task&& other) noexcept : run_(std::exchange(other.run_, nullptr)) {}
  shared_task& operator=(shared_task other) noexcept {
    std::swap(run_, other.run_);
    return *this;
  }
  ~shared_task() {
    if (run_ != nullptr) run_->drop_reference();
  }

  /// Has the task ended?
  [[nodiscard]] bool is_ready() const noexcept { return run_ != nullptr && run_->ended(); }

  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    if (run_ == nullptr) throw std::logic_error("shared_task: it was moved from");
    return detail::shared_state<T, R>(*run_, std::move(receiver));
  }

 private:
  friend promise_type;
  explicit shared_task(detail::shared_run<T>& run) noexcept : run_(&run) {}
  detail::shared_run<T>* run_;
};

template <class T>
shared_task<T> detail::shared_task_promise<T>::get_return_object() noexcept {
  run_->will_run(task_promise<T>::get_return_object());
  return shared_task<T>(*run_);
}

}  // namespace braid
