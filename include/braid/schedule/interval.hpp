#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/detail/timer_queue.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/sleep.hpp"

namespace braid {

/// An interval's rule for beats that passed while no next() waited. The first missed beat is received late,
/// at once; the rule decides when the next one comes.
///
///     interval ticks(100ms, missed_beats::delay);
enum class missed_beats : std::uint8_t {
  skip,  ///< at the next multiple of the period; the beats in between are left out
  burst,  ///< at once, beat after beat, until the interval has caught up
  delay,  ///< one period after the late one; all later beats shift by as much
};

/// The options of an interval.
///
///     interval at_once(1s, interval_options{.start = loop_clock::now()});
struct interval_options {
  std::optional<loop_clock::time_point> start = {};  ///< the first beat; by default one period from now
  missed_beats missed = missed_beats::skip;
};

namespace detail {

class beat_timer : public timer_base, public list_node {
 protected:
  using timer_base::timer_base;

 private:
  friend class interval_state;
  loop* home_ = nullptr;
};

// The state that an interval shares with the waits of its next().
class interval_state : pinned {
 public:
  interval_state(loop_clock::duration period, loop_clock::time_point next, missed_beats missed) noexcept
      : period_(period), next_(next), missed_(missed) {}

  [[nodiscard]] loop_clock::duration period() const noexcept { return period_; }
  [[nodiscard]] loop_clock::time_point next() const noexcept { return next_; }
  [[nodiscard]] missed_beats missed() const noexcept { return missed_; }
  void enter(beat_timer& timer, loop& home) noexcept {
    timer.home_ = &home;
    waiting_.push_back(timer);
  }
  // Is the next beat due, and is there no earlier waiter?
  [[nodiscard]] bool is_free_now() const noexcept { return waiting_.empty() && next_ <= loop_clock::now(); }
  // Receives the next beat; false if it is not due.
  [[nodiscard]] bool take() noexcept;
  void reset(loop_clock::time_point next) noexcept;

 private:
  const loop_clock::duration period_;
  loop_clock::time_point next_;
  const missed_beats missed_;
  intrusive_list<beat_timer> waiting_;
};

// The deadline of a wait for the next beat.
struct next_beat {
  using timer = beat_timer;
  std::shared_ptr<interval_state> of;
  [[nodiscard]] loop_clock::time_point operator()() const noexcept { return of->next(); }
  [[nodiscard]] bool is_due() const noexcept { return of->is_free_now(); }
  [[nodiscard]] bool take() const noexcept { return of->take(); }
  void enter(beat_timer& waits, loop& home) const noexcept { of->enter(waits, home); }
  void leave(beat_timer& waits) const noexcept { waits.unlink(); }
};

}  // namespace detail

/// A periodic timer: each co_await ticks.next() completes at the next multiple of the period after the start.
///
///     channel<job> jobs(16);
///     interval ticks(100ms);
///     for (;;) {
///       auto next = co_await select(ticks.next(), jobs.receive());
///       if (next.index == 0)
///         log("still here");
///       else if (const auto& one = std::get<1>(next.value))
///         work_on(*one);
///     }
///
/// A beat stays until it is received. If a next() timed out or lost in a select, the following next() gets
/// its beat, in the loop's next turn if the beat is due. missed_beats decides about the beats after it.
///
/// Lifetime  a next() may outlive its interval. A copy is independent and begins with the original's next
///           beat. A move takes over the waits that have begun.
/// Threads   one loop; the constructor needs none.
/// Errors    the constructor throws std::invalid_argument unless the period is positive.
/// Cost      one allocation per interval, none per beat.
class interval {
 public:
  /// The first beat comes at how.start, or one period from now.
  explicit interval(loop_clock::duration period, const interval_options& how = {})
      : state_(std::make_shared<detail::interval_state>(
            positive(period), how.start ? *how.start : loop_clock::after(period), how.missed)) {}
  /// The first beat comes one period from now.
  interval(loop_clock::duration period, missed_beats missed)
      : interval(period, interval_options{.start = {}, .missed = missed}) {}
  /// With a period in any unit, rounded up to whole nanoseconds.
  template <class Rep, class Period>
  explicit interval(std::chrono::duration<Rep, Period> period, const interval_options& how = {})
      : interval(loop_clock::saturated(period), how) {}
  /// With a period in any unit, rounded up to whole nanoseconds.
  template <class Rep, class Period>
  interval(std::chrono::duration<Rep, Period> period, missed_beats missed)
      : interval(loop_clock::saturated(period), missed) {}

  interval(const interval& other)
      : state_(std::make_shared<detail::interval_state>(other.period(), other.state_->next(),
                                                        other.state_->missed())) {}
  interval(interval&& other) noexcept : state_(other.state_) {}
  interval& operator=(const interval& other) { return *this = interval(other); }
  interval& operator=(interval&& other) noexcept {
    state_ = other.state_;
    return *this;
  }
  ~interval() = default;

  /// A sender of void that receives the next beat. Several at once receive one beat each, in the order in
  /// which they began.
  /// Cancel  ends at once as operation_canceled; the beat is not received.
  [[nodiscard]] auto next() const noexcept { return detail::sleep_sender<detail::next_beat>{{state_}}; }

  /// The next beat comes one period from now, also for waits that have begun.
  void reset() noexcept { state_->reset(loop_clock::after(period())); }
  /// The next beat comes at t.
  void reset(loop_clock::time_point t) noexcept { state_->reset(t); }
  [[nodiscard]] loop_clock::duration period() const noexcept { return state_->period(); }

 private:
  static loop_clock::duration positive(loop_clock::duration period) {
    if (period <= loop_clock::duration::zero())
      throw std::invalid_argument("interval: the period must be positive");
    return period;
  }
  std::shared_ptr<detail::interval_state> state_;
};

}  // namespace braid
