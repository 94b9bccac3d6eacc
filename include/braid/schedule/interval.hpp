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

/// What an interval does about beats that went by while nobody received one. The first of them is received
/// late, at once; this says when the next one comes.
enum class missed_beats : std::uint8_t {
  skip,  ///< at the next multiple of the period after that: the others are left out
  burst,  ///< all of them at once, until the interval has caught up
  delay,  ///< one period after that: all beats to come are late by as much
};

/// How an interval is made; every default will do.
struct interval_options {
  std::optional<loop_clock::time_point> start = {};  ///< the first beat; without it one period from now
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

// What an interval shares with the waits that it gave.
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
  // Due, and nobody waits for it who came before?
  [[nodiscard]] bool is_free_now() const noexcept { return waiting_.empty() && next_ <= loop_clock::now(); }
  // The next beat is received, if it is due.
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

/// A steady beat: each co_await ticks.next() completes at the next multiple of the period after the start.
///
///     interval ticks(100ms);
///     for (;;) {
///       auto next = co_await select(ticks.next(), messages.receive());
///       if (next.index == 0) report();
///     }
///
/// A beat stays until it is received: one that timed out, or that a select did not choose, comes with the
/// next next(), at once when it is due already. What becomes of those behind it is the choice of
/// missed_beats.
///
/// Lifetime  a next() may outlive its interval. A copy beats by itself, from where the original is; what an
///           interval was moved to goes on with it, waits that have begun included.
/// Threads   one loop's; none is needed to make one.
/// Errors    the constructor throws std::invalid_argument unless the period is positive.
/// Cost      one allocation for the interval, none for a beat.
class interval {
 public:
  /// The first beat comes one period from now, or at the start that is given.
  explicit interval(loop_clock::duration period, const interval_options& how = {})
      : state_(std::make_shared<detail::interval_state>(
            positive(period), how.start ? *how.start : loop_clock::after(period), how.missed)) {}
  interval(loop_clock::duration period, missed_beats missed)
      : interval(period, interval_options{.start = {}, .missed = missed}) {}
  /// The same for any unit, rounded up to whole nanoseconds.
  template <class Rep, class Period>
  explicit interval(std::chrono::duration<Rep, Period> period, const interval_options& how = {})
      : interval(loop_clock::saturated(period), how) {}
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

  /// A sender of void, for the next beat that nobody has received. Several at once receive a beat each, in
  /// the order they were begun.
  /// Cancel  ends at once as operation_canceled, and has received no beat.
  [[nodiscard]] auto next() const noexcept { return detail::sleep_sender<detail::next_beat>{{state_}}; }

  /// The next beat comes one period from now; for who waits for it already, too.
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
