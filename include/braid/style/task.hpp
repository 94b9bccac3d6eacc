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

  struct final_awaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      task_promise_base& promise = ended.promise();
      if (!inline_start::mark_completed(&promise)) promise.tell();
    }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] final_awaiter final_suspend() const noexcept { return {}; }

  void set_continuation(std::coroutine_handle<> continuation) noexcept {
    done_ = nullptr;
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
  task_promise_base() noexcept {}
  /// The exception being handled, with the chain of awaits.
  [[nodiscard]] error current_failure() noexcept;
  ~task_promise_base() = default;

 private:
  // On its way up a task goes back to the loop that its awaiter waits on.
  void tell() noexcept {
    if (loop::current_or_null() != home_) [[unlikely]]
      return tell_at_home();
    tell_here();
  }
  void tell_here() noexcept {
    if (done_ != nullptr) return done_(*this);
    park(continuation_);
  }
  [[gnu::cold, gnu::noinline]] void tell_at_home() noexcept;

  // set before the coroutine begins
  done_fn* done_;
  union {
    std::coroutine_handle<> continuation_;  // without done_
    void* state_;                           // with it
  };
  loop* home_;
};

template <class T>
class task_promise final : public task_promise_base {
 public:
  [[nodiscard]] task<T> get_return_object() noexcept;
  template <class U = T>
    requires std::is_constructible_v<result<T>, U&&>
  void return_value(U&& value) {
    if constexpr (is_result<std::remove_cvref_t<U>> || std::is_same_v<std::remove_cvref_t<U>, error>)
      ended_.set(std::forward<U>(value));
    else
      ended_.set_value(std::forward<U>(value));
  }
  void unhandled_exception() noexcept { ended_.set_error(current_failure()); }
  [[nodiscard]] late_result<T>& ended() noexcept { return ended_; }

 private:
  late_result<T> ended_;
};

template <>
class task_promise<void> final : public task_promise_base {
 public:
  [[nodiscard]] task<void> get_return_object() noexcept;
  void return_void() noexcept { ended_.set_value(); }
  void unhandled_exception() noexcept { ended_.set_error(current_failure()); }
  [[nodiscard]] late_result<void>& ended() noexcept { return ended_; }

 private:
  late_result<void> ended_;
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
  T await_resume() { return std::move(child_.promise().ended()).value(); }

 private:
  const handle child_;
};

template <class T, class R>
class task_state final : pinned {
 public:
  using handle = std::coroutine_handle<task_promise<T>>;
  task_state(handle child, R receiver) : child_(child), receiver_(std::move(receiver)) {}
  ~task_state() {
    if (child_) child_.destroy();
  }

  void start() noexcept {
    task_promise<T>& promise = child_.promise();
    promise.inherit(receiver_.get_stop_token(), receiver_.frame());
    promise.set_done(done, this);
    if (transfers.too_deep()) [[unlikely]]
      return park(child_);
    resume(child_);
  }

 private:
  // The coroutine is suspended for good: it may be destroyed from within its own final await.
  static void done(task_promise_base& base) noexcept {
    auto& self = *static_cast<task_state*>(base.state());
    R receiver = std::move(self.receiver_);
    result<T> ended = std::move(self.child_.promise().ended()).take();
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
