#include "braid/loop/detail/task_tracker.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <string>
#include <utility>

#include "braid/core/detail/find_mistake.hpp"
#include "braid/core/detail/value_frame.hpp"
#include "braid/loop/detail/held_locks.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

namespace {

// All trackers: for a frame that ends on another thread than its loop's, or after its loop.
struct registry {
  std::mutex mutex;
  std::vector<std::pair<const loop*, task_tracker*>> all;
};
registry& trackers() {
  static auto* const never_destroyed = new registry;
  return *never_destroyed;
}

template <class Table>
auto oldest_first(const Table& table) {
  std::vector<typename Table::mapped_type> all;
  all.reserve(table.size());
  for (const auto& [address, each] : table) all.push_back(each);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.order < b.order; });
  return all;
}

// The nearest frame with a source location of its own. Frames that link others or hold a value have none. The
// search ends at a link of another thread, beyond which this thread must not read.
const async_frame* placed(const async_frame* frame) noexcept {
  for (; frame != nullptr; frame = frame->parent) {
    if (const async_link* link = async_link::from(*frame)) {
      if (!link->is_here()) return nullptr;
    } else if (frame->where.line() != 0 && hidden_frame::from(*frame) == nullptr) {
      return frame;
    }
  }
  return nullptr;
}

}  // namespace

task_tracker::task_tracker(const loop& home)
    : home_(home), steps_(checks_on ? std::make_unique<step_watch>() : nullptr) {
  const std::lock_guard lock(trackers().mutex);
  trackers().all.emplace_back(&home, this);
  ++on_this_thread_;
}

task_tracker::~task_tracker() {
  --on_this_thread_;
  const std::lock_guard lock(trackers().mutex);
  std::erase_if(trackers().all, [this](const auto& each) { return each.second == this; });
}

task_tracker::snapshot task_tracker::take() const {
  const std::lock_guard lock(mutex_);
  const auto waits = oldest_first(waits_);
  return {home_.now(), oldest_first(frames_), {waits.begin(), waits.end()}};
}

task_tracker* task_tracker::here() noexcept {
  const loop* const current = loop::current_or_null();
  return current != nullptr ? current->operations().tracker_.get() : nullptr;
}

void task_tracker::begins(const async_frame& frame, frame_kind kind) noexcept {
  task_tracker* const self = here();
  if (self == nullptr) return;
  const auto now = self->home_.now();
  {
    const std::lock_guard lock(self->mutex_);
    try {
      self->frames_[&frame] = {&frame, placed(frame.parent), frame.where, now, kind, self->begun_++};
    } catch (const std::bad_alloc&) {
      // the frame is left out
    }
  }
  if (self->steps_ != nullptr) self->steps_->mark_failing(false);
  self->check_step(frame);
}

void task_tracker::ends_here(const async_frame& frame) noexcept {
  task_tracker* const self = here();
  if (self == nullptr) return;
  self->check_step(frame);
  if (checks_on) held_locks::forget_those_of(frame);
  const std::lock_guard lock(self->mutex_);
  const auto found = self->frames_.find(&frame);
  if (found == self->frames_.end()) return;
  if (self->steps_ != nullptr) self->steps_->goes_on_in(found->second.parent);
  self->frames_.erase(found);
}

// Calls f(tracker) while the tracker cannot end. Does nothing when it has ended.
template <class F>
void task_tracker::with_tracker_of(const loop* home, F f) noexcept {
  if (home != nullptr && home == loop::current_or_null()) {
    if (task_tracker* const self = here()) f(*self);
    return;
  }
  const std::lock_guard lock(trackers().mutex);
  for (const auto& [each, tracker] : trackers().all)
    if (each == home) return f(*tracker);
}

void task_tracker::awaits(const loop* home, const async_frame& frame) noexcept {
  with_tracker_of(home, [&](task_tracker& self) {
    const auto now = self.home_.now();
    const std::lock_guard lock(self.mutex_);
    const auto found = self.frames_.find(&frame);
    if (found == self.frames_.end()) return;
    found->second.where = frame.where;
    found->second.since = now;
  });
  if (home != loop::current_or_null()) return;
  task_tracker* const self = here();
  if (self == nullptr) return;
  if (self->steps_ != nullptr) self->steps_->mark_failing(false);
  self->check_step(frame);
}

void task_tracker::ends(const loop* home, const async_frame& frame) noexcept {
  if (home != nullptr && home == loop::current_or_null()) return ends_here(frame);
  with_tracker_of(home, [&](task_tracker& self) {
    const std::lock_guard lock(self.mutex_);
    self.frames_.erase(&frame);
  });
}

void task_tracker::note_failure() noexcept {
  task_tracker* const self = here();
  if (self != nullptr && self->steps_ != nullptr) self->steps_->mark_failing(true);
}

bool task_tracker::is_failing() noexcept {
  const task_tracker* const self = here();
  return self != nullptr && self->steps_ != nullptr && self->steps_->is_failing();
}

async_stack task_tracker::stack_here() {
  const task_tracker* const self = here();
  if (self == nullptr || self->steps_ == nullptr) return {};
  return self->stack_from(self->steps_->last().frame);
}

async_stack task_tracker::stack_of_tracked(const async_frame* innermost) {
  const task_tracker* const self = here();
  return self != nullptr ? self->stack_from(innermost) : async_stack{};
}

async_stack task_tracker::stack_from(const async_frame* innermost) const {
  async_stack stack;
  stack.is_whole = false;
  const std::lock_guard lock(mutex_);
  for (const async_frame* each = placed(innermost); stack.frames.size() < async_stack::most_frames;) {
    const auto found = frames_.find(each);
    if (found == frames_.end()) break;
    stack.frames.push_back(found->second.where);
    stack.is_whole = found->second.kind == frame_kind::verb;
    each = found->second.parent;
  }
  return stack;
}

namespace {

finding held(step_watch::duration how_long, async_stack stack) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(how_long).count();
  return {mistake::held_loop, "the loop was held for " + std::to_string(ms) + " ms", std::move(stack)};
}

}  // namespace

void task_tracker::check_step(const async_frame& frame) noexcept {
  if (steps_ == nullptr) return;
  const auto how_long = steps_->overdue();
  step_watch::place last{&frame, {}, false};
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = frames_.find(&frame); found != frames_.end()) {
      last.where = found->second.where;
      last.is_verb = found->second.kind == frame_kind::verb;
    }
  }
  steps_->reaches(last);
  if (how_long != how_long.zero())
    find_mistake(mistake::held_loop, last.where, [&] { return held(how_long, stack_from(&frame)); });
}

// Where several operations of a frame run at once, the sleep may be a time limit of the others.
template <class F>
bool task_tracker::any_waiting_for(const async_frame* innermost, F f) const {
  std::vector<const async_frame*> chain;
  const auto in_chain = [&](const async_frame* frame) {
    return std::find(chain.begin(), chain.end(), frame) != chain.end();
  };
  const async_frame* each = innermost;
  do {
    const auto found = frames_.find(each);
    if (found == frames_.end() || chain.size() == async_stack::most_frames) return false;
    chain.push_back(each);
    each = found->second.parent;
  } while (!f(chain.back()));
  return std::none_of(frames_.begin(), frames_.end(), [&](const auto& other) {
    return in_chain(other.second.parent) && !in_chain(other.first);
  });
}

void task_tracker::check_sleep(const async_frame* frame) noexcept {
  task_tracker* const self = here();
  const async_frame* const sleeper = placed(frame);
  if (!checks_on || self == nullptr || sleeper == nullptr || self->home_.ending()) return;
  std::source_location locked_at;
  const auto holds = [&](const async_frame* each) { return held_locks::held_by(each, locked_at); };
  try {
    const std::lock_guard lock(self->mutex_);
    if (!self->any_waiting_for(sleeper, holds)) return;
  } catch (const std::bad_alloc&) {
    return;
  }
  find_mistake(mistake::sleep_under_lock, sleeper->where, [&] {
    return finding{mistake::sleep_under_lock,
                   "a task sleeps while it holds the mutex that it locked at " + format_place(locked_at),
                   self->stack_from(sleeper)};
  });
}

// A step of the loop. At its end the frames that ran in it may be gone; the place of the last one is left.
class task_tracker::step : pinned {
 public:
  step(task_tracker& of, const async_frame* waited) noexcept : of_(of), steps_(of.steps_.get()) {
    if (steps_ == nullptr) return;
    steps_->begins();
    if (waited != nullptr && steps_->is_outermost()) of.check_step(*waited);
  }
  ~step() {
    if (steps_ == nullptr || here() != &of_) return;  // a child that was forked in this step has no tracker
    if (steps_->is_outermost()) {
      const auto how_long = steps_->overdue();
      if (how_long != how_long.zero())
        find_mistake(mistake::held_loop, steps_->last().where, [&] { return held(how_long, last_frame()); });
    }
    steps_->ends();
  }

 private:
  [[nodiscard]] async_stack last_frame() const {
    const step_watch::place& last = steps_->last();
    if (last.where.line() == 0) return {};
    return {{last.where}, last.is_verb};
  }

  const task_tracker& of_;
  step_watch* const steps_;
};

void task_tracker::run_step(operation_base& operation, completion with) noexcept {
  const step now(*this, nullptr);
  operation.finish(with);
}

void task_tracker::note(io_operation& operation, const async_frame* waits) noexcept {
  const request& what = operation.what();
  tracked_wait entry;
  entry.frame = placed(waits);
  entry.code = what.code;
  entry.descriptor = what.descriptor;
  note(operation, entry);
}

void task_tracker::note(timer_base& timer, loop_clock::time_point deadline,
                        const async_frame* waits) noexcept {
  tracked_wait entry;
  entry.frame = placed(waits);
  entry.is_timer = true;
  entry.deadline = deadline;
  note(timer, entry);
}

void task_tracker::note(operation_base& operation, tracked_wait entry) noexcept {
  entry.since = home_.now();
  entry.finish = operation.finish_;
  const std::lock_guard lock(mutex_);
  entry.order = begun_++;
  try {
    waits_[&operation] = entry;
    operation.finish_ = on_finish;
  } catch (const std::bad_alloc&) {
    // the wait is left out
  }
}

void task_tracker::on_finish(operation_base& operation, completion with) {
  task_tracker& self = *here();
  const async_frame* frame;
  operation_base::finish_fn* finish;
  {
    const std::lock_guard lock(self.mutex_);
    const auto found = self.waits_.find(&operation);
    frame = found->second.frame;
    finish = found->second.finish;
    if (!operation.in_flight()) {  // else more completions follow
      operation.finish_ = finish;
      self.waits_.erase(found);
    }
  }
  finishing_ = frame;
  const step now(self, frame);
  finish(operation, with);
  run_parked();
}

}  // namespace braid::detail
