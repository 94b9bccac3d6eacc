#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <source_location>
#include <unordered_map>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/detail/step_watch.hpp"
#include "braid/loop/operation.hpp"
#include "braid/loop/request.hpp"

namespace braid {
class io_operation;
class loop;
class timer_base;
}  // namespace braid

namespace braid::detail {

/// Records the frames that live on a loop, and the requests and timers that they wait for. A loop has a
/// tracker only with loop_options::track_tasks or BRAID_CHECKS=1; otherwise each function here tests one
/// thread-local number. With BRAID_CHECKS=1 it also measures the loop's steps.
///
/// Frames are known by their address. Only the thread that runs a frame reads it.
///
/// Lifetime  its loop's.
/// Threads   any thread may call take. A frame may end, or reach another await, on another thread than its
///           loop's. All else happens on the loop's thread.
/// Cost      an entry in a hash table, under a lock, for each frame and each request. An entry that there is
///           no memory for is left out.
class task_tracker : pinned {
 public:
  struct live_frame {
    const async_frame* address = nullptr;
    const async_frame* parent = nullptr;
    std::source_location where;
    loop_clock::time_point since;  ///< when it reached `where`
    frame_kind kind = frame_kind::verb;
    std::uint64_t order = 0;  ///< in which the frames began
  };
  struct wait {
    const async_frame* frame = nullptr;  ///< the frame that waits; null where none does
    bool is_timer = false;
    opcode code = opcode::nop;
    std::int32_t descriptor = -1;
    loop_clock::time_point since;
    loop_clock::time_point deadline;  ///< of a timer
    std::uint64_t order = 0;
  };
  /// All that lives at one instant, oldest first.
  struct snapshot {
    loop_clock::time_point taken;
    std::vector<live_frame> frames;
    std::vector<wait> waits;
  };

  explicit task_tracker(const loop& home);
  ~task_tracker();

  [[nodiscard]] snapshot take() const;

  /// Does a loop of this thread track its tasks?
  [[nodiscard]] static bool tracks_here() noexcept { return on_this_thread_ != 0; }

  // The following are called only where a loop of the thread tracks its tasks.

  /// A frame begins on this thread's loop.
  [[gnu::cold]] static void begins(const async_frame& frame, frame_kind kind) noexcept;
  /// A frame ends on the thread of its loop.
  [[gnu::cold]] static void ends_here(const async_frame& frame) noexcept;
  /// A frame of home has reached another await.
  [[gnu::cold]] static void awaits(const loop* home, const async_frame& frame) noexcept;
  /// A frame of home ends; home may have ended already.
  [[gnu::cold]] static void ends(const loop* home, const async_frame& frame) noexcept;

  /// Records what the frame waits for, until that finishes.
  [[gnu::cold]] void note(io_operation& operation, const async_frame* waits) noexcept;
  [[gnu::cold]] void note(timer_base& timer, loop_clock::time_point deadline,
                          const async_frame* waits) noexcept;
  /// The frame whose operation is finishing on this thread: for an operation that submits itself again.
  [[nodiscard]] static const async_frame* finishing() noexcept { return finishing_; }

  /// With BRAID_CHECKS=1: the frame, which waits for nothing else, begins to sleep. Does it hold a mutex?
  [[gnu::cold]] static void check_sleep(const async_frame* frame) noexcept;

  /// With BRAID_CHECKS=1: an exception leaves a coroutine, whose parameters are destroyed after it is caught.
  [[gnu::cold]] static void note_failure() noexcept;
  /// Has that happened, and no other frame gone on since?
  [[nodiscard]] static bool is_failing() noexcept;

  /// Finishes an operation that is ready, as a step of the loop.
  void run_step(operation_base& operation, completion with) noexcept;
  /// With BRAID_CHECKS=1: the asynchronous stack of the frame that probably runs now, or none.
  [[nodiscard]] static async_stack stack_here();
  /// The asynchronous stack of a frame of this thread's loop, as far as the frames are tracked.
  [[nodiscard]] static async_stack stack_of_tracked(const async_frame* innermost);

 private:
  class step;

  struct tracked_wait : wait {
    operation_base::finish_fn* finish = nullptr;
  };
  /// That of this thread's current loop, or null.
  [[nodiscard]] static task_tracker* here() noexcept;
  template <class F>
  static void with_tracker_of(const loop* home, F f) noexcept;
  // A frame of this thread's loop has begun, reached an await or ends.
  void check_step(const async_frame& frame) noexcept;
  [[nodiscard]] async_stack stack_from(const async_frame* innermost) const;
  // Is f true for a frame from innermost outwards, which all wait for nothing but the frame inside? Call it
  // under the lock.
  template <class F>
  bool any_waiting_for(const async_frame* innermost, F f) const;
  void note(operation_base& operation, tracked_wait entry) noexcept;
  // Replaces the finish function of a tracked operation: removes its entry, then calls the original.
  static void on_finish(operation_base& operation, completion with);

  static inline constinit thread_local std::size_t on_this_thread_ = 0;
  static inline constinit thread_local const async_frame* finishing_ = nullptr;

  const loop& home_;
  const std::unique_ptr<step_watch> steps_;  // null without BRAID_CHECKS=1
  mutable std::mutex mutex_;  // guards what follows
  std::unordered_map<const async_frame*, live_frame> frames_;
  std::unordered_map<operation_base*, tracked_wait> waits_;
  std::uint64_t begun_ = 0;
};

/// The frame of a verb, tracked while it exists.
/// Threads  its loop's.
class verb_frame : pinned {
 public:
  explicit verb_frame(std::source_location where) noexcept : frame_(nullptr, where) {
    if (task_tracker::tracks_here()) [[unlikely]]
      task_tracker::begins(frame_, frame_kind::verb);
  }
  ~verb_frame() {
    if (task_tracker::tracks_here()) [[unlikely]]
      task_tracker::ends_here(frame_);
  }
  [[nodiscard]] async_frame* frame() noexcept { return &frame_; }

 private:
  async_frame frame_;
};

}  // namespace braid::detail
