#include "braid/combine/detail/supervision.hpp"

#include <algorithm>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "braid/combine/retry_policy.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

// ---- a child

void supervised::ended(std::optional<error> failure) noexcept {
  failure_ = std::move(failure);
  over_ = true;
  if (task_tracker::tracks_here()) [[unlikely]]
    task_tracker::ends(by_.join().home(), frame_);
  if (failure_) {
    if (phase_ != phase::running || by_.closing()) failure_->set_requested(true);
    if (!failure_->is_requested_cancellation()) attach_stack(*failure_, &frame_);
  }
  if (!timer_.in_flight()) return by_.child_ended(*this);
  by_.join().home()->operations().cancel(timer_);  // its end goes on
}

void supervised::timer::on_end(operation_base& base, completion with) {
  supervised& self = static_cast<timer&>(base).of;
  self.by_.child_timer_ended(self, with.result == 0);
}

// ---- the whole

void supervision::configure(const supervisor_options& how, observer observe) {
  if (how.restarts > 65'536) throw std::invalid_argument("with_supervisor: more than 65,536 restarts");
  how_ = how;
  observe_ = std::move(observe);
  random_ = seed_of({.seed = how.seed});
  if (how.within > how.within.zero()) restarts_.reserve(how.restarts);
}

std::uint64_t supervision::add(std::unique_ptr<supervised> made) {
  if (!join_.admits()) return cut_short(), ++last_number_;
  supervised& one = *made.release();
  const std::uint64_t number = one.number_ = ++last_number_;
  children_.push_back(one);
  join_.hold();
  come_alive();
  if (group_ == group::runs && !closing()) begin(one);
  advance();
  join_.release();
  return number;
}

void supervision::remove(std::uint64_t number, promise<void> waiting) {
  supervised* const found = children_.find_if(
      [number](const supervised& each) { return each.number_ == number && each.phase_ != phase::dropped; });
  if (found == nullptr) throw std::invalid_argument("supervisor::remove: there is no such child");
  supervised& one = *found;
  one.removals_.push_back(std::move(waiting));
  one.removed_ = true;
  join_.hold();
  switch (one.phase_) {
    case phase::running:
      if (!one.over_) request_stop(one);
      break;
    case phase::pausing: drop(one); break;
    case phase::waiting:
    case phase::dormant: destroy(one); break;
    case phase::stopping:
    case phase::overdue:
    case phase::dropped: break;
  }
  advance();
  join_.release();
}

void supervision::abandon() noexcept {
  while (!children_.empty()) {
    const std::unique_ptr<supervised> one(&children_.back());
    one->unlink();
  }
  cancellation::drop();
}

void supervision::on_stop(cancellation& base) noexcept {
  auto& self = static_cast<supervision&>(base);
  self.closing_ = true;
  if (self.in_flight()) self.join_.home()->operations().cancel(self);
  self.advance();
}

void supervision::on_late_stop(cancellation& base) noexcept {
  static_cast<supervision&>(base).join_.release();
}

// The join is held while a child is alive, and until a stop request on its way has arrived.
void supervision::come_alive() noexcept {
  if (alive_++ != 0) return;
  join_.hold();
  arm<on_stop, on_late_stop>(join_.child_stop_token());
}

void supervision::no_more() noexcept {
  if (--alive_ == 0 && disarm()) join_.release();
}

void supervision::advance() noexcept {
  again_ = true;
  if (advancing_) return;
  advancing_ = true;
  join_.hold();
  while (std::exchange(again_, false)) step();
  advancing_ = false;
  join_.release();  // *this may be gone
}

void supervision::step() noexcept {
  while (!ended_.empty()) {
    supervised& one = ended_.pop_front();
    one.over_ = false;
    closing() || one.phase_ != phase::running ? ended_when_asked(one) : ended_by_itself(one);
  }
  if (closing())
    stop_next();
  else if (group_ != group::runs)
    restart_next();
}

// Stops all children, the youngest first. Each has ended, or is overdue, before the next is stopped.
void supervision::stop_next() noexcept {
  const auto is_left = [](const supervised& each) {
    return each.phase_ != phase::overdue && each.phase_ != phase::dropped;
  };
  while (supervised* const one = children_.find_last_if(is_left)) {
    switch (one->phase_) {
      case phase::running:
        if (!one->over_) request_stop(*one);
        return;
      case phase::pausing:
        cut_short();
        drop(*one);
        break;
      case phase::waiting: cut_short(); [[fallthrough]];
      case phase::dormant: destroy(*one); break;
      case phase::stopping:
      case phase::overdue:
      case phase::dropped: return;
    }
  }
}

void supervision::restart_next() noexcept {
  operation_context& timers = join_.home()->operations();
  if (group_ == group::stops) {
    const auto runs = [this](const supervised& each) {
      return in_group(each) && (each.phase_ == phase::running || each.phase_ == phase::stopping ||
                                each.phase_ == phase::overdue);
    };
    if (supervised* const one = children_.find_last_if(runs)) {
      if (one->phase_ == phase::running && !one->over_) request_stop(*one);
      return;
    }
    group_ = group::pauses;
    if (in_flight()) {
      timers.move(*this, pause_until_);  // it was for a restart that this one has replaced
    } else {
      join_.hold();
      timers.add(*this, pause_until_);
    }
  }
  const auto waits = [this](const supervised& each) {
    return in_group(each) && each.phase_ == phase::waiting;
  };
  if (group_ == group::pauses) {
    if (children_.find_if(waits) != nullptr) return;
    group_ = group::runs;  // they were removed meanwhile
    return timers.move(*this, loop_clock::now());
  }
  while (supervised* const one = children_.find_if(waits)) {
    begin(*one);
    if (!ended_.empty() || closing()) return;  // advance() goes on
  }
  group_ = group::runs;
}

void supervision::on_pause_end(operation_base& base, completion with) {
  auto& self = static_cast<supervision&>(static_cast<timer_base&>(base));
  if (with.result == 0 && self.group_ == group::pauses) {
    self.group_ = group::starts;
    self.children_.for_each([&](supervised& each) {
      if (!self.in_group(each) || each.phase_ != phase::dormant) return;
      each.phase_ = phase::waiting;
      self.come_alive();
    });
  }
  self.advance();
  self.join_.release();
}

void supervision::child_ended(supervised& one) noexcept {
  ended_.push_back(one);
  advance();
}

void supervision::ended_when_asked(supervised& one) noexcept {
  const std::optional<error> failure = std::exchange(one.failure_, std::nullopt);
  const bool failed = failure && !failure->is_requested_cancellation();
  report(one, failure ? &*failure : nullptr);
  if (closing() && failure) join_.child_failed(*failure);
  if (one.removed_ || closing() || one.how_.restart == restart_policy::temporary) {
    settle_removals(one, failed ? &*failure : nullptr);
    return destroy(one);
  }
  one.phase_ = phase::waiting;  // it was stopped for a restart of several
}

void supervision::ended_by_itself(supervised& one) noexcept {
  const std::optional<error> failure = std::exchange(one.failure_, std::nullopt);
  const bool failed = failure && *failure != std::errc::operation_canceled;
  const error* const why = failure ? &*failure : nullptr;
  const bool restarts_anyway = (group_ == group::stops || group_ == group::pauses) && in_group(one) &&
                               one.how_.restart != restart_policy::temporary;
  if (restarts_anyway) {
    one.phase_ = phase::waiting;
    return report(one, why);
  }
  if (one.how_.restart == restart_policy::permanent ||
      (one.how_.restart == restart_policy::transient && failed))
    return restart(one, why);
  report(one, why);
  if (one.how_.restart == restart_policy::temporary || how_.strategy == restart_strategy::one_for_one)
    return destroy(one);
  one.phase_ = phase::dormant;
  no_more();
}

void supervision::restart(supervised& one, const error* why) noexcept {
  const loop_clock::time_point now = loop_clock::now();
  if (!count_restart(now)) {
    report(one, why);
    error too_many(make_error_code(errc::too_many_restarts), "with_supervisor", one.name_);
    if (why != nullptr) too_many.suppress(*why);
    join_.child_failed(too_many);
    return destroy(one);
  }
  if (now - one.begun_at_ > how_.cap) one.failures_ = 0;
  one.failures_ = std::min(one.failures_ + 1, 64);  // the longest pause is reached by then
  const loop_clock::duration pause =
      pause_after(one.failures_, {.base = how_.base, .cap = how_.cap, .jitter = how_.jitter}, random_);
  report(one, why, pause);
  if (how_.strategy == restart_strategy::one_for_one) {
    one.phase_ = phase::pausing;
    return set_timer(one, pause);
  }
  one.phase_ = phase::waiting;
  const std::uint64_t from = how_.strategy == restart_strategy::one_for_all ? 0 : one.number_;
  group_from_ = group_ == group::runs ? from : std::min(group_from_, from);
  group_ = group::stops;
  pause_until_ = loop_clock::later_than(now, pause);
}

bool supervision::count_restart(loop_clock::time_point now) noexcept {
  if (how_.within <= how_.within.zero()) return true;
  if (restarts_.size() < how_.restarts) return restarts_.push_back(now), true;  // there is room
  if (how_.restarts == 0) return false;
  loop_clock::time_point& oldest = restarts_[restarts_counted_ % how_.restarts];
  if (now - oldest < how_.within) return false;
  oldest = now;
  ++restarts_counted_;
  return true;
}

void supervision::child_timer_ended(supervised& one, bool in_time) noexcept {
  if (one.over_) return child_ended(one);
  join_.hold();
  switch (one.phase_) {
    case phase::pausing:
      if (in_time && !closing()) {
        begin(one);
      } else {
        cut_short();
        destroy(one);
      }
      break;
    case phase::stopping: {
      one.phase_ = phase::overdue;
      if (!in_time) break;
      const error late(std::make_error_code(std::errc::timed_out), "with_supervisor", one.name_);
      report(one, &late);
      settle_removals(one, &late);
      if (!closing() && !one.removed_) join_.child_failed(late);  // it cannot be restarted
      break;
    }
    default: destroy(one);
  }
  advance();
  join_.release();
}

void supervision::begin(supervised& one) noexcept {
  one.phase_ = phase::running;
  one.begun_at_ = loop_clock::now();
  one.stop_.emplace();
  one.frame_.parent = join_.frame();
  if (task_tracker::tracks_here()) [[unlikely]]
    task_tracker::begins(one.frame_, frame_kind::verb);
  one.begin();
}

void supervision::request_stop(supervised& one) noexcept {
  one.phase_ = phase::stopping;
  const bool outer = std::exchange(advancing_, true);  // its end is dealt with afterwards
  one.stop_->request_stop();
  advancing_ = outer;
  if (!one.over_ && one.how_.stop_within != loop_clock::duration::max()) set_timer(one, one.how_.stop_within);
}

void supervision::set_timer(supervised& one, loop_clock::duration wait) noexcept {
  join_.home()->operations().add(one.timer_, loop_clock::after(wait));
}

// Destroys a child that pauses, once its timer has ended.
void supervision::drop(supervised& one) noexcept {
  settle_removals(one, nullptr);
  one.phase_ = phase::dropped;
  join_.home()->operations().cancel(one.timer_);
}

void supervision::destroy(supervised& one) noexcept {
  const bool was_alive = one.phase_ != phase::dormant;
  one.unlink();
  settle_removals(one, nullptr);
  delete &one;
  if (was_alive) no_more();
}

void supervision::settle_removals(supervised& one, const error* why) noexcept {
  for (promise<void>& each : std::exchange(one.removals_, {})) {
    if (why != nullptr)
      each.set_error(*why);
    else
      each.set_value();
  }
}

void supervision::report(const supervised& one, const error* failure,
                         std::optional<loop_clock::duration> pause) noexcept {
  if (!observe_) return;
  try {
    observe_(child_report{one.name_, failure, pause});
  } catch (...) {
    join_.child_failed(error::current());
  }
}

// A child that will not begin any more shows that the supervisor was cut short.
void supervision::cut_short() noexcept {
  error why(std::make_error_code(std::errc::operation_canceled), "with_supervisor");
  why.set_requested(true);
  join_.child_failed(why);
}

}  // namespace braid::detail
