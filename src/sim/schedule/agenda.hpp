#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/detail/timer_queue.hpp"

namespace braid::sim::detail {

class computer;

// A host's entry in its world's agenda. It is a timer that is due when the host wakes by itself.
class agenda_entry final : public braid::timer_base {
 public:
  agenda_entry(computer& of, std::size_t order) noexcept
      : braid::timer_base(never), computer_(of), order_(order) {}

 private:
  friend class agenda;
  static void never(operation_base&, completion) noexcept {}

  computer& computer_;
  const std::size_t order_;
  bool runnable_ = false;  // in the agenda's list of runnable hosts
  // any thread
  std::atomic<bool> changed_{false};
  agenda_entry* next_changed_ = nullptr;
};

// Knows which hosts can run now, and when the others wake. It looks only at hosts that have changed, so that
// the cost of a step does not depend on the number of idle hosts.
//
// Threads  the world's, except changed.
class agenda : pinned {
 public:
  agenda() = default;
  ~agenda();

  // Call in the order of the hosts.
  agenda_entry& add(computer& one);
  // Says that the host may have something to do: the next update looks at it. Any thread.
  void changed(agenda_entry& which) noexcept;
  // Looks at the hosts that have changed. A host whose loop is running stays changed.
  void update();
  // Looks at all hosts.
  void update_all();
  // Looks at the hosts that wake by `now`.
  void wake(loop_clock::time_point now);

  // The number of hosts that can run, and each of them, in their order.
  [[nodiscard]] std::size_t runnable() const noexcept { return runnable_.size(); }
  [[nodiscard]] computer& runnable(std::size_t index) const noexcept { return runnable_[index]->computer_; }
  // When the next host wakes by itself; time_point::max() if none does.
  [[nodiscard]] loop_clock::time_point next_wake() const noexcept {
    return wakes_.empty() ? loop_clock::time_point::max() : wakes_.nearest();
  }

 private:
  void look_at(agenda_entry& one);

  std::deque<agenda_entry> entries_;
  std::vector<agenda_entry*> runnable_;
  braid::detail::timer_queue wakes_;
  std::atomic<agenda_entry*> changed_{nullptr};  // any thread: a stack
};

}  // namespace braid::sim::detail
