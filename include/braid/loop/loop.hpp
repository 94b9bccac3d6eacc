#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/unique_function.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/operation_context.hpp"
#include "braid/loop/options.hpp"

namespace braid {

namespace detail {
class running_scope;
}  // namespace detail

/// The event loop: ready work, timers, posts from other threads and one reactor, in fair turns.
///
/// Lifetime  is its thread's current loop from construction to destruction. The destructor cancels what is in
///           flight, waits for it, and destroys what waits for it; what is started meanwhile ends as
///           cancelled. A coroutine that swallows every cancellation and goes on waiting keeps it from
///           ending.
/// Threads   one: the one that made it. post and deliver may be called on any.
/// Fork      the parent's goes on. The child's copy does nothing: run throws std::logic_error, its destructor
///           leaves everything as it is, and the thread may make a loop of its own: see docs/process.md.
/// Errors    the constructor throws std::system_error where the kernel refuses the reactor that was asked
///           for, std::logic_error when the thread has a loop already, std::invalid_argument for a turn of no
///           operations, for fiber stacks beyond the address space, and for a word that the environment's
///           variables do not take.
///
/// What it has from operation_context is for authors of operations: loop/detail/operation_context.hpp.
class loop : public detail::operation_context {
 public:
  explicit loop(const loop_options& options = {});
  /// On a reactor of the caller's making.
  loop(const loop_options& options, std::unique_ptr<reactor> on);
  ~loop();

  /// This thread's loop. Throws std::logic_error, naming the call, when there is none.
  [[nodiscard]] static loop& current(const char* call = "loop::current") {
    if (current_ == nullptr) [[unlikely]]
      throw_no_loop(call);
    return static_cast<loop&>(*current_);
  }
  [[nodiscard]] static loop* current_or_null() noexcept { return static_cast<loop*>(current_); }
  /// Is this the loop's thread?
  [[nodiscard]] bool is_here() const noexcept { return thread_ == &current_; }

  /// Turns until no work is left: nothing ready, in flight, timed, posted or offloaded.
  void run();
  /// Turns until op is done; its value, or its error thrown. What else was started stays with the loop.
  template <sender_or_factory S>
  value_of<sender_of<S>> run(S&& op, std::source_location where = std::source_location::current());
  template <class X>
    requires(!sender_or_factory<X>)
  detail::anything run(X&&) {
    return detail::takes_sender<X>();
  }
  /// Is anything left that run() would wait for?
  [[nodiscard]] bool has_work() const noexcept {
    return !ready_.empty() || !rejected_.empty() || !timers_.empty() || !inbox_.empty() ||
           reactor_->in_flight() != 0 || expected_ != 0;
  }
  /// Is a run of this loop on the stack?
  [[nodiscard]] bool running() const noexcept { return running_; }

  /// Runs f() on the loop's thread in a later turn. Any thread; the loop must outlive the call. What the
  /// loop's own thread posts while the loop ends is not run.
  void post(unique_function<void()> f);
  /// The same for a loop that may have ended: false when it has, and f is as it was.
  [[nodiscard]] static bool post_if_alive(loop* home, unique_function<void()>& f);
  template <class F>
    requires lazy_sender<std::invoke_result_t<std::decay_t<F>&>>
  void post(F&&) {
    static_assert(std::is_void_v<F>, "loop::post drops the sender that f returns: post([f] { detach(f); })");
  }

  /// Who is told of an error that nobody waits for: its asynchronous stack comes with it. The default prints
  /// both and terminates the program. A handler that throws terminates it too.
  /// It may set another one.
  void on_unhandled_error(unique_function<void(const error&)> handler) {
    unhandled_ = std::make_shared<unhandled_fn>(std::move(handler));
  }
  template <class F>
    requires lazy_sender<std::invoke_result_t<std::decay_t<F>&, const error&>>
  void on_unhandled_error(F&&) {
    static_assert(std::is_void_v<F>,
                  "on_unhandled_error drops the sender that its handler returns: detach it in the handler");
  }
  [[nodiscard]] const loop_options& options() const noexcept { return options_; }
  /// "io_uring", "epoll".
  [[nodiscard]] const char* reactor_name() const noexcept { return reactor_->name(); }
  /// System calls that the reactor made so far.
  [[nodiscard]] std::size_t system_calls() const noexcept { return reactor_->system_calls(); }
  /// Requests begun and not yet ended.
  [[nodiscard]] std::size_t in_flight() const noexcept { return reactor_->in_flight(); }
  /// The time that this loop's timers go by.
  [[nodiscard]] loop_clock::time_point now() const noexcept { return reactor_->now(); }

  /// One fair turn; waits when may_wait and there is nothing to do.
  void turn(bool may_wait);

 private:
  [[noreturn]] static void throw_no_loop(const char* call);

  friend class detail::running_scope;
  friend class current_loop_scope;
};

inline loop_clock::time_point loop_clock::now() noexcept {
  if (const loop* here = loop::current_or_null()) return here->now();
  return time_point(
      std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

}  // namespace braid
