#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/base/unique_function.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/request.hpp"

namespace braid::sim {
class host;
}  // namespace braid::sim

namespace braid::sim::detail {

class agenda;

// A world's time: what happens at which time, how many steps it took, and the trace of what happened.
class timeline : pinned {
 public:
  // An entry of the trace: an event of a request.
  struct event {
    const char* what;
    opcode code;
    std::int32_t descriptor;
    std::int64_t value;
  };

  timeline(agenda& of_hosts, bool keeps_trace) noexcept : agenda_(of_hosts), keeps_trace_(keeps_trace) {}

  [[nodiscard]] loop_clock::time_point now() const noexcept { return now_; }
  // Calls f() at that time, between two steps of the hosts.
  void at(loop_clock::time_point when, unique_function<void()> f);
  // How much is to happen now, in an order that the caller draws.
  [[nodiscard]] std::size_t due() const noexcept { return due_.size(); }
  void happen(std::size_t which);
  // Moves the time on to the next event, but not past `latest`. False if nothing will ever happen.
  bool advance(loop_clock::time_point latest = loop_clock::time_point::max());
  // Drops all that is to happen.
  void clear() noexcept;

  void count_step() noexcept {
    ++steps_;
    ++steps_at_this_time_;
  }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  // Do the hosts wait for time by yielding?
  [[nodiscard]] bool is_spinning() const noexcept;

  // Does a call on the stack drive the world?
  bool is_driven = false;

  void note(const host& at, const event& happened) noexcept;
  [[nodiscard]] std::uint64_t trace_hash() const noexcept { return trace_hash_; }
  [[nodiscard]] const std::vector<std::string>& trace() const noexcept { return trace_; }

 private:
  struct timed {
    loop_clock::time_point when;
    std::uint64_t order;
    unique_function<void()> happens;
  };
  static bool later(const timed& left, const timed& right) noexcept {
    return left.when != right.when ? left.when > right.when : left.order > right.order;
  }
  void keep(const host& at, const event& happened);

  agenda& agenda_;
  const bool keeps_trace_;
  std::vector<timed> events_;  // a heap, the nearest first
  std::vector<unique_function<void()>> due_;  // happen now
  loop_clock::time_point now_{};
  std::uint64_t scheduled_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t steps_at_this_time_ = 0;
  std::uint64_t trace_hash_ = 0xcbf29ce484222325;
  std::vector<std::string> trace_;
};

// "1.500000000 s"
[[nodiscard]] std::string text_of(loop_clock::time_point when);

}  // namespace braid::sim::detail
