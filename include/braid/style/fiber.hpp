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

/// A stack of its own and what runs on it. Pooled; users see in_fiber and await.
///
/// Lifetime  leased from the thread's pool, back in it when its job is done. A job that is suspended when its
///           lease ends is unwound: the await it waits in throws operation_canceled, as does every later one;
///           in destructors on the way, see await.
/// Threads   one.
/// Cost      a switch saves seven registers, the thread's exception state and its transfer_state: some
///           nanoseconds. The stack is mapped memory above a guard page; running past it is a SIGSEGV.
class fiber : pinned {
 public:
  using job_fn = void(void* job) noexcept;

  /// The fiber that runs on this thread now, or null.
  [[nodiscard]] static fiber* current() noexcept { return current_; }
  /// Throws std::bad_alloc when no stack can be mapped.
  [[nodiscard]] static fiber& lease(std::size_t stack_bytes);
  /// Ends the lease; unwinds a suspended job first.
  void release() noexcept;

  /// Runs job(argument) on the fiber's stack until it suspends or ends; at its end, here, done(argument).
  void begin(job_fn& job, job_fn& done, void* argument) noexcept;
  /// From the loop: goes on where the job suspended.
  void resume() noexcept;
  /// From the job: back to who resumed it.
  void suspend() noexcept;

  /// The job has come to an await. False when it is unwound, so that nothing may be begun: await ends as
  /// failed_await does then.
  [[nodiscard]] bool comes_to(std::source_location await) noexcept {
    frame_.waits_at(await);
    if (unwinding_ || tracked_) [[unlikely]]
      return await_slow();
    return true;
  }
  /// How an await ends that failed: it throws. A cancelled await for nothing (void) returns where an
  /// exception is on its way through the fiber already: that is in a destructor, which must not throw.
  template <class T>
  static T failed_await(const error& failure) {
    if constexpr (std::is_void_v<T>)
      if (failure == std::errc::operation_canceled && std::uncaught_exceptions() > 0) return;
    failure.rethrow();
  }
  /// How an await ends in a fiber that is unwound.
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
  struct machine;  // registers, stack and what sanitizers want to know; Boost.Context's part
  explicit fiber(machine& inside) noexcept : machine_(inside) {}
  ~fiber() = default;
  void enter() noexcept;  // both inlined: the processor mispredicts each return address on the way
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

/// A sender that runs f on its own stack, where await can wait for anything; completes with what f returns.
///
/// Threads  f runs, and goes on after each await, on the loop's thread.
/// Errors   what f throws, with the chain of awaits; std::bad_alloc when no stack can be had.
/// Cancel   the stop token reaches every await in f.
/// Cost     two switches for each await that does not end at once; stacks are pooled.
template <class F>
  requires std::is_invocable_v<std::decay_t<F>&>
[[nodiscard]] auto in_fiber(F&& f, std::source_location where = std::source_location::current()) {
  static_assert(!lazy_sender<std::invoke_result_t<std::decay_t<F>&>>,
                "in_fiber does not wait for the sender that f returns: await it in f");
  return detail::fiber_sender<std::decay_t<F>>{std::forward<F>(f), where};
}

/// The fiber verb: suspends this fiber until op is done; its value, or its error thrown.
///
/// Errors  op's; std::logic_error outside of a fiber.
/// Cancel  throws operation_canceled. In a destructor that runs while an exception leaves the fiber, as at
///         the loop's end, throwing would terminate the program: there a cancelled await of void returns. For
///         an op with a value, and in destructors that run otherwise, write await(as_result(op)), which never
///         throws. A fiber that is unwound begins nothing more.
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
