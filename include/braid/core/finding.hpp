#pragma once

#include <cstdint>
#include <string>

#include "braid/base/unique_function.hpp"
#include "braid/core/async_stack.hpp"

namespace braid {

/// The mistakes that a program looks for when it runs with BRAID_CHECKS=1 in its environment.
/// docs/debugging.md explains each of them.
///
///     on_finding([](const finding& found) {
///       if (found.what != mistake::held_loop) std::abort();
///     });
enum class mistake : std::uint8_t {
  held_loop,  ///< a task, a fiber or a callback held its loop for longer than BRAID_CHECKS_HOLD_MS
  unbegun_task,  ///< a task was dropped that was never awaited nor given to a verb
  unseen_error,  ///< an error reached a future after its waiter had been cancelled
  sleep_under_lock,  ///< a task slept while it held a mutex
  wrong_loop,  ///< a loop or its mutex was used on another thread
};

/// A mistake that a check found.
///
///     on_finding([](const finding& found) { log(found.message + "\n" + format_stack(found.stack)); });
struct finding {
  mistake what;
  std::string message;
  async_stack stack;  ///< of the task that made the mistake; empty where it is not known
};

/// Calls handler with each finding, instead of printing it to standard error; an empty handler prints again.
/// A mistake is found once for each place in the source.
///
///     on_finding([](const finding& found) { log(format_finding(found)); });
///
/// Threads  any. The handler runs on the thread that made the mistake, in the middle of a braid call: it must
///          neither throw nor begin operations.
void on_finding(unique_function<void(const finding&)> handler);

/// What is printed without a handler: "braid: check: ", the message, and the asynchronous stack below it.
///
///     on_finding([](const finding& found) { log(format_finding(found)); });
[[nodiscard]] std::string format_finding(const finding& found);

}  // namespace braid
