#pragma once

#include <memory>

#include "braid/base/pinned.hpp"
#include "braid/loop/loop.hpp"
#include "braid/sim/host.hpp"
#include "machine.hpp"
#include "schedule/timeline.hpp"

namespace braid::sim::detail {

class agenda;
class agenda_entry;
class sim_reactor;

// What a host runs on: its kernel, its loop while it has power, and its clock.
class computer : pinned {
 public:
  computer(host& of, timeline& time, network& connects, agenda& hosts);
  ~computer();

  [[nodiscard]] machine& its_machine() noexcept { return machine_; }
  [[nodiscard]] bool up() const noexcept { return loop_ != nullptr; }
  // Throws std::logic_error while the host is down.
  [[nodiscard]] loop& its_loop();
  // Null while the host is down, or has no loop yet.
  [[nodiscard]] const loop* loop_or_null() const noexcept { return loop_.get(); }
  // How often it was started.
  [[nodiscard]] unsigned boots() const noexcept { return boots_; }

  // Has its world's agenda run it.
  void enter_agenda();
  // Says that it may have something to do. Any thread.
  void changed() noexcept;
  void awaken() noexcept;

  // Makes its loop.
  loop& start();
  void end_loop();
  void lose_power();

  // Its loop's reactor, which registers itself; null once that has ended.
  void is_run_by(sim_reactor* reactor) noexcept { reactor_ = reactor; }
  [[nodiscard]] sim_reactor* reactor() const noexcept { return reactor_; }

  [[nodiscard]] loop_clock::time_point now() const noexcept { return clock_at(time_.now()); }
  // The first instant of the world at which its clock has reached mine.
  [[nodiscard]] loop_clock::time_point world_time_of(loop_clock::time_point mine) const noexcept;

 private:
  [[nodiscard]] loop_clock::time_point clock_at(loop_clock::time_point worlds) const noexcept;

  host& host_;
  const double clock_rate_;
  const loop_clock::duration clock_offset_;
  timeline& time_;
  agenda& agenda_;
  machine machine_;
  std::unique_ptr<loop> loop_;
  sim_reactor* reactor_ = nullptr;
  agenda_entry* entry_ = nullptr;  // null for a loop on virtual time, which no world drives
  unsigned boots_ = 0;
};

}  // namespace braid::sim::detail
