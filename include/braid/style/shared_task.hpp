#pragma once

#include <cstddef>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/cancellation.hpp"
#include "braid/loop/detail/no_loop_error.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/task.hpp"

namespace braid {

template <class T>
class shared_task;

namespace detail {

class shared_run_base;

// Who waits for a shared run; keeps it. Told as ready work of the loop, unless the run ends as it begins.
class shared_waiter : public list_node, operation_base, cancellation {
 protected:
  using wake_fn = void(shared_waiter&) noexcept;
  shared_waiter(shared_run_base& run, wake_fn& on_wake) noexcept;
  ~shared_waiter();

  /// False when it need not wait: the run has ended, or belongs to another loop.
  [[nodiscard]] bool wait(stop_token token, async_frame* frame) noexcept;
  [[nodiscard]] bool left() const noexcept { return left_; }

 private:
  friend shared_run_base;
  static void on_finish(operation_base& base, completion) noexcept;
  static void on_stop(cancellation& base) noexcept;
  static void on_resume(cancellation& base) noexcept;
  void leave() noexcept;

  shared_run_base& run_;
  wake_fn& on_wake_;
  loop* home_ = nullptr;  // while it waits
  async_frame* frame_ = nullptr;
  bool left_ = false;  // the others: it was cancelled
};

// One run for all who wait: while it goes on somebody does. Who is the last to be cancelled stops it, and
// waits on. When the last who waits is destroyed, as happens at the loop's end only, so is what runs.
class shared_run_base : public pooled, pinned {
 public:
  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    if (--references_ == 0) delete this;
  }
  [[nodiscard]] bool ended() const noexcept { return state_ == state::ended; }
  [[nodiscard]] stop_token get_stop_token() noexcept { return stop_.get_token(); }
  [[nodiscard]] async_link* frame() noexcept { return &frame_; }

 protected:
  virtual ~shared_run_base() = default;
  virtual void begin() = 0;  // may end within the call
  virtual void abandon() noexcept = 0;  // destroys what runs; it has failed then
  void tell_all() noexcept;

 private:
  friend shared_waiter;
  enum class state : unsigned char { lazy, running, ended };

  std::size_t references_ = 1;
  loop* home_ = nullptr;
  shared_waiter* beginner_ = nullptr;  // who waits, but is within begin
  intrusive_list<shared_waiter> waiters_;
  stop_source stop_;
  async_link frame_;  // to the first who waits
  state state_ = state::lazy;
};

// A T as who waits gets it.
template <class T>
using shared_value =
    std::conditional_t<std::is_void_v<T> || std::is_reference_v<T>, T, std::add_lvalue_reference_t<const T>>;

template <class T>
class shared_run final : public shared_run_base {
 public:
  shared_run() noexcept {}
  explicit shared_run(task<T>&& lazy) noexcept : lazy_(std::move(lazy)) {}
  void will_run(task<T>&& lazy) noexcept { lazy_.emplace(std::move(lazy)); }

  /// Once it has ended.
  [[nodiscard]] result<shared_value<T>> get() const {
    if (!*ended_) {
      error why = ended_->error();
      why.set_requested(false);  // of those who wait now
      return why;
    }
    if constexpr (std::is_void_v<T>)
      return {};
    else
      return result<shared_value<T>>(std::in_place, **ended_);
  }

 private:
  struct receiver {
    shared_run* self;
    void finish(result<T> with) && noexcept { self->finish(std::move(with)); }
    [[nodiscard]] stop_token get_stop_token() const noexcept {
      return self->shared_run_base::get_stop_token();
    }
    [[nodiscard]] async_frame* frame() const noexcept { return self->shared_run_base::frame(); }
  };

  void begin() override {
    operation_.emplace(
        elided{[this] { return connect(*std::exchange(lazy_, std::nullopt), receiver{this}); }});
    operation_->start();
  }
  void abandon() noexcept override {
    operation_.reset();
    finish(error(std::errc::operation_canceled));
  }
  void finish(result<T>&& with) noexcept {
    if (!with) complete_stack(with.error(), *this->frame());
    ended_.emplace(std::move(with));
    operation_.reset();
    tell_all();
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

// A task's, that makes the shared task itself: clang 22 destroys what a promise returned in place of
// the coroutine's own type a second time, when the coroutine ends. The run is made with the promise: were
// there no memory for it later, the frame would be destroyed by the task and by the compiler.
template <class T>
class shared_task_promise final : public task_promise<T> {
 public:
  explicit shared_task_promise(std::source_location begins = std::source_location::current())
      : task_promise<T>(begins), run_(new shared_run<T>) {}
  [[nodiscard]] shared_task<T> get_return_object() noexcept;

 private:
  shared_run<T>* const run_;  // the returned handle's
};

}  // namespace detail

/// A task that many may wait for: it runs once, from the first await on, and all get its value, as a const
/// T&. A coroutine may return it; a task becomes one. Handles are copied, and awaited as they are: co_await
/// shared.
///
/// Lifetime  the value, and the references to it, live as long as there is a handle.
/// Threads   one loop's: that of the first await. std::logic_error for who awaits it on another while it
///           runs.
/// Errors    an exception goes to each who waits, with the first one's chain of awaits.
/// Cancel    who waits leaves the others alone. The last one stops the run and waits for its end; who comes
///           meanwhile gets that too.
/// Cost      a block of the frame pool besides the task's. An await after the end is answered at once.
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
