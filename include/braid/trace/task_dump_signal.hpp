#pragma once

#include "braid/base/unique_function.hpp"
#include "braid/loop/detail/signal_listener.hpp"
#include "braid/trace/tasks.hpp"

namespace braid {

/// A signal handler that prints the live tasks of a loop. The user chooses the signal (SIGUSR1, SIGQUIT):
///
///     task_dump_signal on_demand(SIGUSR1);  // as text, to stderr
///     task_dump_signal as_json(SIGUSR2, [](const task_dump& dump) { log(to_json(dump)); });
///
/// Lifetime  pinned; must be destroyed before its loop, on the loop's thread. Several loops may have one for
///           the same signal: each prints its own tasks. The last one to be destroyed restores the signal's
///           action from before the first.
/// Threads   made on its loop's thread; the sink runs there, in the next turn. The signal may arrive on any
///           thread: the handler only wakes the loops, which is async-signal-safe. A loop whose turn does not
///           end prints nothing; call dump_tasks from another thread instead.
/// Errors    std::logic_error on a thread without a loop, or whose loop does not track its tasks;
///           std::system_error for a signal that cannot be caught. An exception of the sink goes to the
///           unhandled-error handler.
class task_dump_signal : detail::signal_listener {
 public:
  /// Prints the tasks, or sends them elsewhere.
  using sink = unique_function<void(const task_dump&)>;

  explicit task_dump_signal(int signal, sink to = to_stderr);

 private:
  static void to_stderr(const task_dump& dump);
  static void on_signal(detail::signal_listener& base) noexcept;

  sink to_;
};

}  // namespace braid
