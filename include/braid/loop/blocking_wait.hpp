#pragma once

#include "braid/base/pinned.hpp"

namespace braid {

/// Marks a wait on a thread of the blocking pool. While the object lives, its thread does not count as
/// working, so the pool may start another in its place. loop::run and future::get mark themselves. On any
/// other thread it does nothing.
///
///     std::latch printed(1);  // another offloaded function counts it down
///     const auto wait = [&] {
///       const blocking_wait here("print");
///       printed.wait();
///     };
///     co_await offload(wait);
///
/// Errors  std::system_error (resource_unavailable_try_again), naming the call, when the wait would deadlock:
///         jobs are queued, every other thread of the pool waits too, and no thread can be added. A pool has
///         at most 256 threads more than BRAID_BLOCKING_THREADS says.
class blocking_wait : pinned {
 public:
  /// call is the name of the wait in the message of that error.
  explicit blocking_wait(const char* call) : counted_(begin(call)) {}
  ~blocking_wait() {
    if (counted_) end();
  }

 private:
  static bool begin(const char* call);
  static void end() noexcept;
  const bool counted_;
};

}  // namespace braid
