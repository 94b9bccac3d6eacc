#pragma once

#include <cstddef>
#include <exception>
#include <source_location>
#include <type_traits>

#include "braid/base/result.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/task_tracker.hpp"

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
  [[nodiscard]] bool reach_await(std::source_location await) noexcept {
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

}  // namespace braid
