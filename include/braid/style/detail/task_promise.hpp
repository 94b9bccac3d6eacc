#pragma once

#include <coroutine>
#include <source_location>
#include <type_traits>
#include <utility>

#include "braid/base/detail/nested_call.hpp"
#include "braid/base/result.hpp"
#include "braid/style/detail/coroutine_promise.hpp"
#include "braid/style/detail/late_result.hpp"

namespace braid {
template <class T = void>
class task;
}  // namespace braid

namespace braid::detail {

// Throws std::logic_error: the task was moved from, awaited or given to a verb before.
[[noreturn, gnu::cold]] void task_used_twice();
// Destroys a task that has not begun.
void drop_unbegun(std::coroutine_handle<> task, const async_frame& frame) noexcept;

// How a task resumes its awaiter, which is a coroutine or an operation state with a function. The awaiter has
// the result before the task ends. The task parks the awaiter and destroys its own frame, so that the awaiter
// goes on when the frame is gone: a task's parameters never outlive the await. (Exception: a user's own
// awaitable resumes the task outside a turn of its loop.)
class task_promise_base : public coroutine_promise {
 public:
  using done_fn = void(void* state);

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] std::suspend_never final_suspend() noexcept {
    if (!inline_start::mark_completed(this)) resume_awaiter();
    return {};
  }

  void set_continuation(std::coroutine_handle<> continuation) noexcept {
    done_ = nullptr;
    state_ = continuation.address();
  }
  void set_done(done_fn& done, void* state) noexcept {
    done_ = &done;
    state_ = state;
  }
  /// Called by resume_on before the task moves there. Throws std::bad_alloc, and the task stays, if there is
  /// no memory for the delivery.
  void depart_for(const loop& there);
  /// Called when the task runs on this loop.
  void arrive_on(const loop& here) noexcept;

 protected:
  explicit task_promise_base(std::source_location begins) noexcept : coroutine_promise(begins) {}
  ~task_promise_base() = default;
  /// The error of a task that ran to its end without a co_return.
  [[nodiscard, gnu::cold]] error no_co_return() noexcept;
  /// The exception being handled, with the asynchronous stack.
  [[nodiscard]] error current_failure() noexcept;
  /// Resumes the awaiter on its home loop. Not for an awaiter that is still starting this task.
  void resume_awaiter() noexcept {
    if (!is_plainly_at_home()) [[unlikely]]
      return resume_awaiter_at_home();
    resume_awaiter_here();
  }

 private:
  void resume_awaiter_here() const noexcept {
    if (done_ != nullptr) return park(done_, state_);
    park(std::coroutine_handle<>::from_address(state_));
  }
  // Goes back to the loop that the awaiter waits on, and resumes the awaiter there.
  [[gnu::cold, gnu::noinline]] void resume_awaiter_at_home() noexcept;

  // set before the coroutine begins
  done_fn* done_;
  // The argument of done_; if that is null, the address of the awaiting coroutine's frame. While the task is
  // away: the task_delivery, which keeps done_ and that argument or address.
  void* state_;
};

template <class T>
class task_promise_result : public task_promise_base {
 public:
  using task_promise_base::task_promise_base;
  [[nodiscard, gnu::always_inline]] std::suspend_never final_suspend() noexcept {
    if constexpr (!std::is_void_v<T>)
      if (result_->empty()) [[unlikely]]
        end_without_co_return();
    return task_promise_base::final_suspend();
  }
  void set_result(late_result<T>& where) noexcept { result_ = &where; }
  void unhandled_exception() noexcept { result_->set_error(current_failure()); }

 protected:
  late_result<T>* result_;  // set before the coroutine begins

 private:
  [[gnu::cold, gnu::noinline]] void end_without_co_return() noexcept { result_->set_error(no_co_return()); }
};

template <class T>
class task_promise : public task_promise_result<T> {
 public:
  explicit task_promise(std::source_location begins = std::source_location::current()) noexcept
      : task_promise_result<T>(begins) {}
  [[nodiscard]] task<T> get_return_object() noexcept;
  template <class U = T>
    requires std::is_constructible_v<result<T>, U&&>
  void return_value(U&& value) {
    if constexpr (is_result<std::remove_cvref_t<U>> || std::is_same_v<std::remove_cvref_t<U>, error>) {
      result<T> ended(std::forward<U>(value));
      if (!ended) attach_stack(ended.error(), this->frame());
      this->result_->set(std::move(ended));
    } else if constexpr (std::is_reference_v<T> || std::is_nothrow_constructible_v<T, U&&>) {
      this->result_->set_value(std::forward<U>(value));
    } else {
      try {
        this->result_->set_value(std::forward<U>(value));
      } catch (...) {
        keep_self();
        throw;
      }
    }
  }

 private:
  // The value's constructor has thrown, and may have written over the pointer to this coroutine, which can
  // catch the exception and wait again.
  [[gnu::cold, gnu::noinline]] void keep_self() noexcept {
    if (!this->result_->empty()) return;
    this->result_->keep_pointer(std::coroutine_handle<task_promise>::from_promise(*this).address());
  }
};

template <>
class task_promise<void> : public task_promise_result<void> {
 public:
  explicit task_promise(std::source_location begins = std::source_location::current()) noexcept
      : task_promise_result<void>(begins) {}
  [[nodiscard]] task<void> get_return_object() noexcept;
  void return_void() noexcept { result_->set_value(); }
};

// Awaits a task in a coroutine: no operation state, only the two coroutine frames.
template <class T>
class task_awaiter {
 public:
  using handle = std::coroutine_handle<task_promise<T>>;
  task_awaiter(handle child, coroutine_promise& parent) noexcept {
    child.promise().inherit(parent);
    result_.keep_pointer(child.address());
  }
  task_awaiter(const task_awaiter&) = delete;
  task_awaiter& operator=(const task_awaiter&) = delete;
  ~task_awaiter() {
    if (result_.empty()) [[unlikely]]
      destroy_nested(child());
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) noexcept {
    const handle child = this->child();
    task_promise<T>& promise = child.promise();
    promise.set_result(result_);
    promise.set_continuation(awaiting);
    if (transfers.too_deep()) [[unlikely]]
      return park(child), true;
    inline_start scope(&promise);
    child.resume();
    return !scope.completed();
  }
  T await_resume() { return std::move(result_).value(); }

 private:
  [[nodiscard]] handle child() const noexcept { return handle::from_address(result_.pointer()); }
  late_result<T> result_;  // until then it keeps the child, which is destroyed once there is a result
};

template <class T, class R>
class task_state final : pinned {
 public:
  using handle = std::coroutine_handle<task_promise<T>>;
  // True if the destructor has nothing to do once the task has ended.
  static constexpr bool is_spent_once_ended =
      late_result<T>::is_spent_once_taken && std::is_trivially_destructible_v<R>;

  task_state(handle child, R receiver) : receiver_(std::move(receiver)) {
    result_.keep_pointer(child.address());
  }
  [[gnu::always_inline]] ~task_state() {
    if (result_.empty()) [[unlikely]]
      destroy_nested(child());
  }

  void start() noexcept {
    const handle child = this->child();
    task_promise<T>& promise = child.promise();
    promise.inherit(receiver_.get_stop_token(), receiver_.frame());
    promise.set_result(result_);
    promise.set_done(done, this);
    if (transfers.too_deep()) [[unlikely]]
      return park(child);
    resume(child);
  }

 private:
  static void done(void* state) noexcept {
    auto& self = *static_cast<task_state*>(state);
    R receiver = std::move(self.receiver_);
    std::move(receiver).finish(std::move(self.result_).take());
  }

  [[nodiscard]] handle child() const noexcept { return handle::from_address(result_.pointer()); }
  late_result<T> result_;  // until then it keeps the child, which is destroyed once there is a result
  R receiver_;
};

}  // namespace braid::detail
