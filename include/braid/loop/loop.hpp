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
#include "braid/loop/operation_context.hpp"
#include "braid/loop/options.hpp"

namespace braid {

namespace detail {
class running_scope;
}  // namespace detail

/// The event loop of a thread. Its turns give a fair share to ready work, timers, posts from other threads
/// and one reactor.
///
///     loop here;  // in main, or where a thread begins
///     detach(serve_all());
///     here.post([] { log("in the first turn"); });
///     here.run();  // until no work is left
///
/// Lifetime  is its thread's current loop from construction to destruction. The destructor cancels the
///           operations in flight, waits until they have ended, and destroys what waits for them. Operations
///           started meanwhile end as cancelled. The destructor does not return while a coroutine swallows
///           every cancellation and goes on waiting.
/// Threads   the one that made it. Any thread may call post and deliver.
/// Fork      the parent's loop goes on. The child's copy does nothing: run throws std::logic_error, the
///           destructor leaves everything as it is, and the thread may make a loop of its own. See
///           docs/process.md.
/// Errors    the constructor throws std::system_error when the kernel refuses the requested reactor,
///           std::logic_error when the thread has a loop already, and std::invalid_argument for
///           operations_per_turn below 1, for fiber stacks larger than the address space, and for an
///           environment variable with an invalid value.
class loop : operation_context {
 public:
  explicit loop(const loop_options& options = {});
  /// On a reactor that the caller made.
  loop(const loop_options& options, std::unique_ptr<reactor> on);
  ~loop();

  /// This thread's loop. Without one it throws std::logic_error, naming the call.
  [[nodiscard]] static loop& current(const char* call = "loop::current") {
    if (current_ == nullptr) [[unlikely]]
      throw_no_loop(call);
    return static_cast<loop&>(static_cast<operation_context&>(*current_));
  }
  /// This thread's loop, or null.
  [[nodiscard]] static loop* current_or_null() noexcept {
    return static_cast<loop*>(static_cast<operation_context*>(current_));
  }
  /// Is this the loop's thread?
  [[nodiscard]] bool is_here() const noexcept { return thread_ == &current_; }

  /// Turns until no work is left: nothing ready, in flight, timed, posted or offloaded.
  void run();
  /// Turns until op is done. Returns its value or throws its error. Other operations stay with the loop.
  template <sender_or_factory S>
  value_of<sender_of<S>> run(S&& op, std::source_location where = std::source_location::current());
  template <class X>
    requires(!sender_or_factory<X>)
  detail::anything run(X&&) {
    return detail::takes_sender<X>();
  }
  /// Is there work that run() would wait for?
  [[nodiscard]] bool has_work() const noexcept {
    return !ready_.empty() || !rejected_.empty() || !timers_.empty() || !inbox_.empty() ||
           reactor_->in_flight() != 0 || expected_ != 0;
  }
  /// Is a call of run() on this loop in progress?
  [[nodiscard]] bool running() const noexcept { return running_; }

  /// Runs f() on the loop's thread in a later turn. Any thread may call it; the loop must outlive the call.
  /// A function that the loop's own thread posts while the loop ends does not run.
  void post(unique_function<void()> f);
  /// Like post, for a loop that may have ended: then it returns false and leaves f as it was.
  [[nodiscard]] static bool post_if_alive(loop* home, unique_function<void()>& f);
  // Does the loop still exist? Any thread.
  [[nodiscard]] static bool is_alive(const loop* which) noexcept;
  template <class F>
    requires lazy_sender<std::invoke_result_t<std::decay_t<F>&>>
  void post(F&&) {
    static_assert(std::is_void_v<F>, "loop::post drops the sender that f returns: post([f] { detach(f); })");
  }

  /// Sets the handler of lost errors: those that no caller waits for. The error carries its asynchronous
  /// stack. The default handler prints both and terminates the program. A handler that throws terminates it
  /// too. A handler may set another one.
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
  /// System calls that the reactor has made so far.
  [[nodiscard]] std::size_t system_calls() const noexcept { return reactor_->system_calls(); }
  /// Requests that have begun and not ended.
  [[nodiscard]] std::size_t in_flight() const noexcept { return reactor_->in_flight(); }
  /// The time of this loop's timers.
  [[nodiscard]] loop_clock::time_point now() const noexcept { return reactor_->now(); }

  /// One fair turn; waits when may_wait and there is nothing to do.
  void turn(bool may_wait);

  using operation_context::ending;
  using operation_context::report_unhandled;
  /// For authors of operations: submits requests, adds timers, finishes operations in a later turn.
  [[nodiscard]] operation_context& operations() noexcept { return *this; }
  [[nodiscard]] const operation_context& operations() const noexcept { return *this; }

 private:
  [[noreturn]] static void throw_no_loop(const char* call);

  friend class detail::running_scope;
  friend class current_loop_scope;
};

}  // namespace braid

#include "braid/loop/detail/run.hpp"  // defines loop::run(op); needs the class
