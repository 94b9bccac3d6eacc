#pragma once

#include <coroutine>
#include <new>
#include <type_traits>
#include <utility>

#include "braid/base/result.hpp"
#include "braid/style/coroutine_promise.hpp"

namespace braid {

template <class T = void>
class task;

namespace detail {

// What a task tells at its end, and how: its awaiter is a coroutine, or an operation state with a function.
class task_promise_base : public coroutine_promise {
 public:
  using done_fn = void(task_promise_base&) noexcept;

  // On its way up a task goes back to the loop that its awaiter waits on.
  class final_awaiter : operation_base {
   public:
    final_awaiter() noexcept : operation_base(come_home) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> ended) noexcept {
      task_promise_base& promise = ended.promise();
      if (inline_start::mark_completed(&promise)) return;
      promise_ = &promise;
      if (loop::current_or_null() != promise.home_) [[unlikely]]
        return promise.home_->deliver(*this);
      promise.tell();
    }
    void await_resume() const noexcept {}

   private:
    static void come_home(operation_base& base, completion) noexcept {
      // Nobody else's trampoline is near: the loop called.
      task_promise_base& promise = *static_cast<final_awaiter&>(base).promise_;
      if (promise.done_ != nullptr) return promise.done_(promise);
      resume(promise.continuation_);
    }
    task_promise_base* promise_ = nullptr;
  };

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] final_awaiter final_suspend() const noexcept { return {}; }

  void set_continuation(std::coroutine_handle<> continuation) noexcept {
    continuation_ = continuation;
    home_ = loop::current_or_null();
  }
  void set_done(done_fn& done, void* state) noexcept {
    done_ = &done;
    state_ = state;
    home_ = loop::current_or_null();
  }
  [[nodiscard]] void* state() const noexcept { return state_; }

 protected:
  ~task_promise_base() = default;

 private:
  void tell() noexcept {
    if (done_ != nullptr) return done_(*this);
    park(continuation_);
  }

  done_fn* done_ = nullptr;
  union {
    std::coroutine_handle<> continuation_ = nullptr;  // without done_
    void* state_;                                     // with it
  };
  loop* home_ = nullptr;
};

template <class T>
class task_promise final : public task_promise_base {
 public:
  ~task_promise() {
    if (ended_) result_.~result();
  }
  task_promise() noexcept {}
  [[nodiscard]] task<T> get_return_object() noexcept;
  template <class U = T>
    requires std::is_constructible_v<result<T>, U&&>
  void return_value(U&& value) {
    new (&result_) result<T>(std::forward<U>(value));
    ended_ = true;
  }
  void unhandled_exception() noexcept {
    if (ended_) std::exchange(ended_, false), result_.~result();  // a local's destructor threw after co_return
    error failure = error::current();
    attach_stack(failure, frame());
    new (&result_) result<T>(std::move(failure));
    ended_ = true;
  }
  [[nodiscard]] result<T>& ended_result() noexcept {
    BRAID_ASSERT(ended_);
    return result_;
  }

 private:
  bool ended_ = false;
  union {
    result<T> result_;  // alive once ended_
  };
};

template <>
class task_promise<void> final : public task_promise_base {
 public:
  [[nodiscard]] task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void unhandled_exception() noexcept {
    error failure = error::current();
    attach_stack(failure, frame());
    result_ = std::move(failure);
  }
  [[nodiscard]] result<void>& ended_result() noexcept { return result_; }

 private:
  result<void> result_;
};

// Waits for a task in a coroutine: no operation state, only the two frames.
template <class T>
class task_awaiter {
 public:
  using handle = std::coroutine_handle<task_promise<T>>;
  task_awaiter(handle child, coroutine_promise& parent) noexcept : child_(child) {
    child_.promise().inherit(parent.get_stop_token(), parent.frame());
  }
  task_awaiter(const task_awaiter&) = delete;
  task_awaiter& operator=(const task_awaiter&) = delete;
  ~task_awaiter() { child_.destroy(); }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) noexcept {
    child_.promise().set_continuation(awaiting);
    if (transfers.too_deep()) [[unlikely]]
      return park(child_), true;
    const handle child = child_;
    inline_start scope(&child.promise());
    child.resume();
    return !scope.completed();
  }
  T await_resume() { return std::move(child_.promise().ended_result()).value(); }

 private:
  const handle child_;
};

template <class T, class R>
class task_state final : operation_base {
 public:
  using handle = std::coroutine_handle<task_promise<T>>;
  task_state(handle child, R receiver) : operation_base(begun), child_(child), receiver_(std::move(receiver)) {}
  ~task_state() {
    if (child_) child_.destroy();
  }

  void start() noexcept {
    task_promise<T>& promise = child_.promise();
    promise.inherit(receiver_.get_stop_token(), receiver_.frame());
    promise.set_done(done, this);
    if (transfers.too_deep()) [[unlikely]]
      if (loop* here = loop::current_or_null()) return here->make_ready(*this);
    resume(child_);
  }

 private:
  static void begun(operation_base& base, completion) noexcept { resume(static_cast<task_state&>(base).child_); }

  // The coroutine is suspended for good: it may be destroyed from within its own final await.
  static void done(task_promise_base& base) noexcept {
    auto& self = *static_cast<task_state*>(base.state());
    R receiver = std::move(self.receiver_);
    result<T> ended = std::move(self.child_.promise().ended_result());
    std::exchange(self.child_, nullptr).destroy();
    std::move(receiver).finish(std::move(ended));
  }

  handle child_;
  R receiver_;
};

}  // namespace detail

/// A lazy coroutine: it begins when it is awaited or given to a verb, and is a sender like any other.
///
/// Lifetime  owns its frame until it is connected. Parameters by reference must outlive the task.
/// Threads   resumes where what it awaits completes; its awaiter always goes on on its own loop.
/// Errors    an exception that leaves it carries the chain of awaits.
/// Cancel    the awaiter's stop token flows down through every await: co_await get_stop_token().
/// Cost      one frame from the frame pool; an await of a task that ends at once is two calls.
template <class T>
class [[nodiscard]] task {
 public:
  using promise_type = detail::task_promise<T>;
  using sender_concept = sender_tag;
  using value_type = T;

  task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  task& operator=(task other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~task() {
    if (frame_) frame_.destroy();
  }

  template <receiver_of<T> R>
  auto connect(R receiver) && {
    BRAID_ASSERT(frame_);
    return detail::task_state<T, R>(std::exchange(frame_, nullptr), std::move(receiver));
  }

  /// For coroutine_promise: waits without an operation state.
  [[nodiscard]] detail::task_awaiter<T> awaited_by(coroutine_promise& parent) && noexcept {
    BRAID_ASSERT(frame_);
    return {std::exchange(frame_, nullptr), parent};
  }

 private:
  friend promise_type;
  explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

template <class T>
task<T> detail::task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> detail::task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

}  // namespace braid
