#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/detail/timer_queue.hpp"
#include "braid/sim/host.hpp"

namespace braid::sim::detail {

// A host's place in its world's agenda. As a timer it is due when the host wakes by itself.
class agenda_entry final : public braid::detail::timer_base {
 public:
  agenda_entry(host& of, std::size_t order) noexcept
      : braid::detail::timer_base(never), host_(of), order_(order) {}

 private:
  friend class agenda;
  static void never(operation_base&, completion) noexcept {}

  host& host_;
  const std::size_t order_;
  bool runnable_ = false;  // it is in the agenda's list
  // any thread
  std::atomic<bool> changed_{false};
  agenda_entry* next_changed_ = nullptr;
};

// Which hosts may run now, and when the others wake. It looks again only at hosts that have changed, so that
// a step costs the same however many hosts there are with nothing to do.
//
// Threads  the world's, but for changed.
class agenda : pinned {
 public:
  agenda() = default;
  ~agenda();

  // Hosts are added in their order.
  agenda_entry& add(host& one);
  // Something has happened that the host may have waited for: the next update looks at it. Any thread.
  void changed(agenda_entry& which) noexcept;
  // Looks at the hosts that have changed. One whose loop is running goes on changing.
  void update();
  // Looks at all hosts.
  void update_all();
  // Time has passed: looks at the hosts that wake until then.
  void wake(loop_clock::time_point now);

  // How many hosts may run, and which they are, in their order.
  [[nodiscard]] std::size_t runnable() const noexcept { return runnable_.size(); }
  [[nodiscard]] host& runnable(std::size_t index) const noexcept { return runnable_[index]->host_; }
  // When the first host wakes by itself; the last instant there is, where none does.
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
