#pragma once

#include <cstdint>
#include <mutex>
#include <source_location>
#include <unordered_map>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/operation.hpp"
#include "braid/loop/request.hpp"

namespace braid {
class io_operation;
class loop;
}  // namespace braid

namespace braid::detail {

class timer_base;

/// Which levels live on a loop that tracks its tasks (loop_options::track_tasks), and the requests and timers
/// that they wait for. Without it the loop has none, and every question here is one test of a thread's
/// pointer.
///
/// Levels are known by their address alone: no frame is read but by who runs it.
///
/// Lifetime  its loop's.
/// Threads   take on any; a level may end, or go on, on another thread than its loop's; the rest on the
///           loop's.
/// Cost      two entries in hash tables, under a lock, for each level and each request. Without memory for
///           one, it goes unseen.
class task_tracker : pinned {
 public:
  struct level {
    const async_frame* address = nullptr;
    const async_frame* parent = nullptr;
    std::source_location where;
    loop_clock::time_point since;  ///< came to where
    level_kind kind = level_kind::verb;
    std::uint64_t order = 0;  ///< in which they began
  };
  struct wait {
    const async_frame* level = nullptr;  ///< null where nobody waits
    bool is_timer = false;
    opcode code = opcode::nop;
    std::int32_t descriptor = -1;
    loop_clock::time_point since;
    loop_clock::time_point deadline;  ///< of a timer
    std::uint64_t order = 0;
  };
  /// All that lives at one instant, in the order in which it began.
  struct snapshot {
    loop_clock::time_point taken;
    std::vector<level> levels;
    std::vector<wait> waits;
  };

  explicit task_tracker(const loop& home);
  ~task_tracker();

  [[nodiscard]] snapshot take() const;

  /// Does this thread's loop track?
  [[nodiscard]] static bool tracks_here() noexcept { return here_ != nullptr; }

  // Only where the loop tracks.

  /// A level begins on this thread's loop.
  [[gnu::cold]] static void begins(const async_frame& level, level_kind kind) noexcept;
  /// It ends, on the same thread.
  [[gnu::cold]] static void ends_here(const async_frame& level) noexcept;
  /// A level of home has come to another await.
  [[gnu::cold]] static void awaits(const loop* home, const async_frame& level) noexcept;
  /// A level of home ends; home may be gone by now.
  [[gnu::cold]] static void ends(const loop* home, const async_frame& level) noexcept;

  /// Notes what the level waits for until that is told.
  [[gnu::cold]] void note(io_operation& operation, const async_frame* waits) noexcept;
  [[gnu::cold]] void note(timer_base& timer, loop_clock::time_point deadline,
                          const async_frame* waits) noexcept;
  /// Whose operation is being told on this thread: for one that submits itself once more.
  [[nodiscard]] static const async_frame* finishing() noexcept { return finishing_; }

 private:
  struct tracked_wait : wait {
    operation_base::finish_fn* finish = nullptr;
  };
  template <class F>
  static void with_tracker_of(const loop* home, F f) noexcept;
  void note(operation_base& operation, tracked_wait entry) noexcept;
  // Told in an operation's place: forgets it, and tells it.
  static void arrived(operation_base& operation, completion with);

  static inline constinit thread_local task_tracker* here_ = nullptr;
  static inline constinit thread_local const async_frame* finishing_ = nullptr;

  const loop& home_;
  mutable std::mutex mutex_;  // guards what follows
  std::unordered_map<const async_frame*, level> levels_;
  std::unordered_map<operation_base*, tracked_wait> waits_;
  std::uint64_t begun_ = 0;
};

/// The level that a verb begins, tracked while it exists.
/// Threads  begins and ends on its loop's.
class verb_frame : pinned {
 public:
  explicit verb_frame(std::source_location where) noexcept : frame_(nullptr, where) {
    if (task_tracker::tracks_here()) [[unlikely]]
      task_tracker::begins(frame_, level_kind::verb);
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
