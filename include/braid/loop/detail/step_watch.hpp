#pragma once

#include <chrono>
#include <cstdint>
#include <source_location>

#include "braid/base/pinned.hpp"
#include "braid/core/async_stack.hpp"

namespace braid::detail {

/// Measures the steps of a loop, with BRAID_CHECKS=1. A step is what runs from the moment when the loop
/// finishes an operation until it gets control back. The clock is the thread's own: virtual time does not
/// count, nor does the time in which the thread was ready to run and other threads had the processor.
///
/// Threads  the loop's.
/// Cost     two clock readings and a system call for each step.
class step_watch : pinned {
 public:
  using duration = std::chrono::steady_clock::duration;

  step_watch();
  ~step_watch();
  /// The limit: BRAID_CHECKS_HOLD_MS, or 10 ms. Throws std::invalid_argument if that is not a number.
  [[nodiscard]] duration limit() const noexcept { return limit_; }

  /// The last frame that ran in a step. It may be gone.
  struct place {
    const async_frame* frame = nullptr;
    std::source_location where;
    bool is_verb = false;
  };

  /// A step begins, perhaps within another one.
  void begins() noexcept;
  void ends() noexcept { --depth_; }
  [[nodiscard]] bool is_outermost() const noexcept { return depth_ == 1; }

  /// A frame of the loop begins, reaches an await, or ends.
  void reaches(const place& now) noexcept { last_ = now; }
  /// An exception has left the frame that ran last, and no frame has gone on since.
  void mark_failing(bool failing) noexcept { is_failing_ = failing; }
  [[nodiscard]] bool is_failing() const noexcept { return is_failing_; }
  /// It has ended; the frame that waited for it goes on, or none.
  void goes_on_in(const async_frame* frame) noexcept { last_.frame = frame; }
  [[nodiscard]] const place& last() const noexcept { return last_; }

  /// How long the present step has held the loop, once that is over the limit; then, and before, 0.
  [[nodiscard]] duration overdue() noexcept;

 private:
  // How long the thread has waited for a processor since it began; 0 where the kernel does not say.
  [[nodiscard]] duration waited_for_processor() const noexcept;

  duration limit_;
  int schedule_statistics_;  // a descriptor, or -1
  int depth_ = 0;
  bool reported_ = false;
  bool is_failing_ = false;
  std::chrono::steady_clock::time_point began_;
  duration waited_{};
  place last_;
};

}  // namespace braid::detail
