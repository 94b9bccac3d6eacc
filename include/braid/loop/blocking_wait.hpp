#pragma once

#include "braid/base/pinned.hpp"

namespace braid {

/// Marks a wait on a thread of the blocking pool: while it lives the thread does not count as one that works,
/// so that another takes its place. A loop that a thread of the pool makes is one, and so is future::get. On
/// any other thread it does nothing.
///
///     offload([&] {
///       const blocking_wait here("ledger");
///       return ledger.wait_for_page();      // which another offloaded function prints
///     })
///
/// Errors  std::system_error (resource_unavailable_try_again), naming the call, where jobs are queued, every
///         other thread of the pool waits as well, and none can be added: waiting would be for ever. A pool
///         has at most 256 threads more than BRAID_BLOCKING_THREADS says.
class blocking_wait : pinned {
 public:
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
