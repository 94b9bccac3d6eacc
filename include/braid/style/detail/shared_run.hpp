#pragma once

#include <cstddef>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/style/task.hpp"

namespace braid {
template <class T>
class shared_task;
}  // namespace braid

namespace braid::detail {

class shared_run_base;

// A waiter for a shared run, which it keeps alive. It is woken as ready work of the loop, unless the run ends
// within begin().
class shared_waiter : public list_node, operation_base, cancellation {
 protected:
  using wake_fn = void(shared_waiter&) noexcept;
  shared_waiter(shared_run_base& run, wake_fn& on_wake) noexcept;
  ~shared_waiter();

  /// False if there is nothing to wait for: the run has ended, or belongs to another loop.
  [[nodiscard]] bool wait(stop_token token, async_frame* frame) noexcept;
  [[nodiscard]] bool left() const noexcept { return left_; }

 private:
  friend shared_run_base;
  static void on_finish(operation_base& base, completion) noexcept;
  static void on_stop(cancellation& base) noexcept;
  static void on_late_stop(cancellation& base) noexcept;
  void leave() noexcept;

  shared_run_base& run_;
  wake_fn& on_wake_;
  loop* home_ = nullptr;  // null unless it waits
  async_frame* frame_ = nullptr;
  bool left_ = false;  // it was cancelled while others wait on
};

// One run for all waiters; while it runs there is at least one. The last waiter to be cancelled stops the run
// and waits for its end. When the last waiter is destroyed, which happens only at the loop's end, the running
// task is destroyed too.
class shared_run_base : public pooled, pinned {
 public:
  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    if (--references_ == 0) delete this;
  }
  [[nodiscard]] bool ended() const noexcept { return state_ == state::ended; }
  [[nodiscard]] stop_token child_stop_token() noexcept { return stop_.get_token(); }
  [[nodiscard]] async_link* frame() noexcept { return &frame_; }

 protected:
  virtual ~shared_run_base() = default;
  virtual void begin() = 0;  // may end within the call
  virtual void abandon() noexcept = 0;  // destroys the running task; the run has failed then
  void wake_waiters() noexcept;

 private:
  friend shared_waiter;
  enum class state : unsigned char { lazy, running, ended };

  std::size_t references_ = 1;
  loop* home_ = nullptr;
  shared_waiter* beginner_ = nullptr;  // the waiter whose wait is still within begin
  intrusive_list<shared_waiter> waiters_;
  stop_source stop_;
  async_link frame_;  // leads to the first waiter
  state state_ = state::lazy;
};

// The type in which a waiter gets a T.
template <class T>
using shared_value =
    std::conditional_t<std::is_void_v<T> || std::is_reference_v<T>, T, std::add_lvalue_reference_t<const T>>;

template <class T>
class shared_run final : public shared_run_base {
 public:
  shared_run() noexcept {}
  explicit shared_run(task<T>&& lazy) noexcept : lazy_(std::move(lazy)) {}
  ~shared_run() override {
    if (lazy_) lazy_->drop_unneeded();
  }
  void will_run(task<T>&& lazy) noexcept { lazy_.emplace(std::move(lazy)); }

  /// The result of a run that has ended.
  [[nodiscard]] result<shared_value<T>> get() const {
    if (!*ended_) {
      error why = ended_->error();
      why.set_requested(false);  // stop was not requested of this waiter
      return why;
    }
    if constexpr (std::is_void_v<T>)
      return {};
    else
      return result<shared_value<T>>(std::in_place, **ended_);
  }

  // For the task.
  void finish(result<T>&& with) noexcept {
    if (!with) complete_stack(with.error(), *this->frame());
    ended_.emplace(std::move(with));
    operation_.reset();
    wake_waiters();
  }

 private:
  using receiver = inner_receiver<shared_run, T>;

  void begin() override {
    operation_.emplace(
        elided{[this] { return connect(*std::exchange(lazy_, std::nullopt), receiver{this}); }});
    operation_->start();
  }
  void abandon() noexcept override {
    operation_.reset();
    finish(error(std::errc::operation_canceled));
  }

  std::optional<task<T>> lazy_;
  std::optional<connected<task<T>, receiver>> operation_;
  std::optional<result<T>> ended_;
};

[[nodiscard]] error shared_task_canceled();
[[nodiscard]] error shared_task_elsewhere();

template <class T, class R>
class shared_state final : shared_waiter {
 public:
  shared_state(shared_run<T>& run, R receiver) noexcept
      : shared_waiter(run, on_wake), run_(run), receiver_(std::move(receiver)) {}

  void start() noexcept {
    if (loop::current_or_null() == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error("shared_task"));
    if (!wait(receiver_.get_stop_token(), receiver_.frame())) on_wake(*this);
  }

 private:
  static void on_wake(shared_waiter& waiter) noexcept {
    auto& self = static_cast<shared_state&>(waiter);
    R receiver = std::move(self.receiver_);
    if (self.left()) return std::move(receiver).finish(shared_task_canceled());
    if (!self.run_.ended()) return std::move(receiver).finish(shared_task_elsewhere());
    std::move(receiver).finish(self.run_.get());
  }

  shared_run<T>& run_;
  R receiver_;
};

// A task's promise that returns the shared task itself: if a promise returns another type than the
// coroutine's, clang 22 destroys that object a second time when the coroutine ends. The run is allocated with
// the promise: if memory ran out later, the task and the compiler would both destroy the frame.
template <class T>
class shared_task_promise final : public task_promise<T> {
 public:
  explicit shared_task_promise(std::source_location begins = std::source_location::current())
      : task_promise<T>(begins), run_(new shared_run<T>) {}
  [[nodiscard]] shared_task<T> get_return_object() noexcept;

 private:
  shared_run<T>* const run_;  // the returned handle owns it
};

}  // namespace braid::detail
