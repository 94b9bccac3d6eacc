#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/base/result.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "braid/loop/detail/transfer.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/detail/awaitable_sender.hpp"
#include "braid/style/detail/late_result.hpp"

namespace braid {

/// A pooled stack and the job that runs on it. Users call in_fiber and await instead.
///
/// Lifetime  leased from the thread's pool until its job is done. If the lease ends while the job is
///           suspended, the job is unwound: the await that it waits in throws operation_canceled, and so does
///           every later one. For awaits in destructors see await.
/// Threads   one.
/// Cost      a switch saves seven registers, the thread's exception state and its transfer_state: some
///           nanoseconds. The stack is mapped memory above a guard page; an overflow is a SIGSEGV.
class fiber : pinned {
 public:
  using job_fn = void(void* job) noexcept;

  /// The fiber that runs on this thread now, or null.
  [[nodiscard]] static fiber* current() noexcept { return current_; }
  /// Throws std::bad_alloc if no stack can be mapped.
  [[nodiscard]] static fiber& lease(std::size_t stack_bytes);
  /// Ends the lease; unwinds a suspended job first.
  void release() noexcept;

  /// Runs job(argument) on the fiber's stack until it suspends or ends. After its end done(argument) runs on
  /// the stack of the caller that began or resumed it last.
  void begin(job_fn& job, job_fn& done, void* argument) noexcept;
  /// Called by the loop: resumes the suspended job.
  void resume() noexcept;
  /// Called by the job: switches back to the caller that resumed it.
  void suspend() noexcept;

  /// Records that the job has reached an await. False while the job is unwound: the await must begin nothing
  /// and end by cut_off_await.
  [[nodiscard]] bool comes_to(std::source_location await) noexcept {
    frame_.waits_at(await);
    if (unwinding_ || tracked_) [[unlikely]]
      return await_slow();
    return true;
  }
  /// Ends an await that failed: throws. But a cancelled await of void returns if an exception is already
  /// leaving the fiber: the await is then in a destructor, which must not throw.
  template <class T>
  static T failed_await(const error& failure) {
    if constexpr (std::is_void_v<T>)
      if (failure == std::errc::operation_canceled && std::uncaught_exceptions() > 0) return;
    failure.rethrow();
  }
  /// Ends an await in a fiber that is unwound.
  template <class T>
  static T cut_off_await() {
    if constexpr (is_result<T>)
      return unwound();
    else
      return failed_await<T>(unwound());
  }
  [[nodiscard]] async_frame* frame() noexcept { return &frame_; }
  [[nodiscard]] stop_token get_stop_token() const noexcept { return stop_; }
  void inherit(stop_token stop, async_frame* parent, std::source_location begins) noexcept {
    stop_ = stop;
    frame_.called_by(parent);
    frame_.waits_at(begins);
    if (detail::task_tracker::tracks_here()) [[unlikely]]
      begin_tracked();
  }

 private:
  friend struct fiber_pool;
  struct machine;  // registers, stack and sanitizer annotations: the part that uses Boost.Context
  explicit fiber(machine& inside) noexcept : machine_(inside) {}
  ~fiber() = default;
  void enter() noexcept;  // both inlined: the processor mispredicts every return after a switch
  void leave() noexcept;
  [[gnu::cold]] void begin_tracked() noexcept;
  [[gnu::cold]] bool await_slow() noexcept;
  [[gnu::cold]] static error unwound();

  static inline constinit thread_local fiber* current_ = nullptr;

  machine& machine_;
  job_fn* job_ = nullptr;
  job_fn* done_ = nullptr;
  void* argument_ = nullptr;
  bool ended_ = true;
  bool unwinding_ = false;
  bool tracked_ = false;
  stop_token stop_;
  async_frame frame_;
};

namespace detail {

// Waits for one operation on a fiber's stack.
template <class T>
class fiber_waiter : operation_base {
 public:
  explicit fiber_waiter(fiber& waiting) noexcept : operation_base(on_delivery), waiting_(waiting) {}

  struct receiver {
    fiber_waiter* self;
    void finish(result<T> with) && noexcept { self->finish(std::move(with)); }
    [[nodiscard]] stop_token get_stop_token() const noexcept { return self->waiting_.get_stop_token(); }
    [[nodiscard]] async_frame* frame() const noexcept { return self->waiting_.frame(); }
  };

  template <class State>
  T wait_for(State& state) {
    state.start();
    starting_ = false;
    if (!ended_) waiting_.suspend();
    if (!ended_) [[unlikely]]
      return fiber::cut_off_await<T>();
    if constexpr (std::is_void_v<T>) {
      if (result_.has_failed()) [[unlikely]]
        fiber::failed_await<void>(std::move(result_).take().error());
    } else {
      return std::move(result_).value();
    }
  }

 private:
  void finish(result<T>&& with) noexcept {
    result_.set(std::move(with));
    if (loop::current_or_null() != &home_) return home_.deliver(*this);  // ended on another loop's thread
    ended_ = true;
    if (!starting_) waiting_.resume();
  }
  static void on_delivery(operation_base& base, completion) noexcept {
    auto& self = static_cast<fiber_waiter&>(base);
    self.ended_ = true;
    self.waiting_.resume();
  }

  fiber& waiting_;
  loop& home_ = loop::current("await");
  bool starting_ = true;
  bool ended_ = false;
  late_result<T> result_;
};

template <class F, class R>
class fiber_state : pinned {
  using value_type = std::invoke_result_t<F&>;

 public:
  fiber_state(F f, R receiver, std::source_location where)
      : f_(std::move(f)), receiver_(std::move(receiver)), where_(where) {}
  ~fiber_state() {
    if (fiber_ != nullptr) fiber_->release();
  }

  void start() noexcept {
    try {
      fiber_ = &fiber::lease(loop::current("in_fiber").options().fiber_stack_bytes);
    } catch (...) {
      return std::move(receiver_).finish(error::current());
    }
    fiber_->inherit(receiver_.get_stop_token(), receiver_.frame(), where_);
    fiber_->begin(run, done, this);
  }

 private:
  static void run(void* argument) noexcept {
    auto& self = *static_cast<fiber_state*>(argument);
    self.result_.emplace(capture(self.f_));
    if (!*self.result_) attach_stack(self.result_->error(), self.fiber_->frame());
  }
  static void done(void* argument) noexcept {
    auto& self = *static_cast<fiber_state*>(argument);
    std::exchange(self.fiber_, nullptr)->release();
    R receiver = std::move(self.receiver_);
    result<value_type> ended = std::move(*self.result_);
    std::move(receiver).finish(std::move(ended));
  }

  F f_;
  R receiver_;
  const std::source_location where_;
  fiber* fiber_ = nullptr;
  std::optional<result<value_type>> result_;
};

template <class F>
struct fiber_sender {
  using sender_concept = sender_tag;
  using value_type = std::invoke_result_t<F&>;
  F f;
  std::source_location where;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return fiber_state<F, R>(std::move(f), std::move(receiver), where);
  }
};

}  // namespace detail

/// A sender that runs f on a stack of its own, where await can wait for any sender, and completes with f's
/// return value.
///
/// Threads  f begins, and resumes after each await, on the loop's thread.
/// Errors   an exception of f, with the chain of awaits; std::bad_alloc if no stack can be mapped.
/// Cancel   the stop token reaches every await in f.
/// Cost     two switches per await that does not complete at once; stacks are pooled.
template <class F>
  requires std::is_invocable_v<std::decay_t<F>&>
[[nodiscard]] auto in_fiber(F&& f, std::source_location where = std::source_location::current()) {
  static_assert(!lazy_sender<std::invoke_result_t<std::decay_t<F>&>>,
                "in_fiber does not wait for the sender that f returns: await it in f");
  return detail::fiber_sender<std::decay_t<F>>{std::forward<F>(f), where};
}

/// The fiber verb: suspends this fiber until op has ended, then returns op's value or throws its error.
///
/// Errors  op's; std::logic_error outside a fiber.
/// Cancel  throws operation_canceled. In a destructor that runs while an exception leaves the fiber, as at
///         the loop's end, throwing would terminate the program: there a cancelled await of void returns. For
///         an op with a value, and in other destructors, write await(as_result(op)), which never throws. An
///         await in a fiber that is unwound begins nothing.
/// Cost    op's state is on the fiber's stack.
template <sender_or_factory S>
value_of<sender_of<S>> await(S&& op, std::source_location where = std::source_location::current()) {
  fiber* self = fiber::current();
  if (self == nullptr)
    throw std::logic_error("await: this is no fiber; in a coroutine use co_await, else run(op)");
  if (!self->comes_to(where)) [[unlikely]]
    return fiber::cut_off_await<value_of<sender_of<S>>>();
  if constexpr (requires { std::forward<S>(op).waited_on(*self); }) {
    return std::forward<S>(op).waited_on(*self);
  } else {
    using waiter = detail::fiber_waiter<value_of<sender_of<S>>>;
    waiter waits(*self);
    auto state = connect(as_sender(std::forward<S>(op)), typename waiter::receiver{&waits});
    return waits.wait_for(state);
  }
}
template <class X>
  requires(!sender_or_factory<X>)
detail::anything await(X&&) {
  return detail::takes_sender<X>();
}

}  // namespace braid
