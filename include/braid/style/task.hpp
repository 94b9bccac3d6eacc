#pragma once

#include <coroutine>
#include <utility>

#include "braid/base/detail/nested_call.hpp"
#include "braid/core/sender.hpp"
#include "braid/style/detail/task_promise.hpp"

namespace braid {

/// A lazy coroutine: it begins when it is awaited or given to a verb, and is a sender like any other.
///
///     task<std::size_t> size_of(std::string page) {  // parameters by value: the coroutine keeps them
///       const std::string text = co_await fetch(page);
///       co_return text.size();
///     }
///     use(co_await size_of("page"));
///
/// Lifetime  owns its coroutine frame until it is connected. Parameters by reference must outlive the task.
/// Threads   resumes on the thread where its awaited operation completes; its awaiter always resumes on the
///           awaiter's own loop.
/// Errors    an exception that leaves it, and an error that it returns, carry the asynchronous stack.
/// Cancel    the awaiter's stop token reaches every await: co_await get_stop_token().
/// Cost      one block of the frame pool; an await of a task that ends at once is two calls.
template <class T>
class [[nodiscard]] task {
 public:
  using promise_type = detail::task_promise<T>;
  using sender_concept = sender_tag;
  static constexpr bool notes_its_await = true;
  static constexpr bool ends_at_home = true;
  using value_type = T;

  task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  task& operator=(task other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~task() {
    if (frame_) detail::drop_unbegun(frame_, *frame_.promise().frame());
  }

  template <receiver_of<T> R>
  auto connect(R receiver) && {
    if (!frame_) [[unlikely]]
      detail::task_used_twice();
    return detail::task_state<T, R>(std::exchange(frame_, nullptr), std::move(receiver));
  }

  // For coroutine_promise: an awaiter without an operation state.
  [[nodiscard]] detail::task_awaiter<T> awaited_by(detail::coroutine_promise& parent) && {
    if (!frame_) [[unlikely]]
      detail::task_used_twice();
    return {std::exchange(frame_, nullptr), parent};
  }
  // For an owner that may find that it does not need the task: destroys the coroutine, as no mistake.
  void drop_unneeded() noexcept {
    if (frame_) detail::destroy_nested(std::exchange(frame_, nullptr));
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
