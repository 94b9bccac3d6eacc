#include "braid/loop/detail/task_tracker.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "braid/core/detail/value_frame.hpp"
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

task_tracker::task_tracker(const loop& home) : home_(home) {
  const std::lock_guard lock(trackers().mutex);
  trackers().all.emplace_back(&home, this);
  here_ = this;
}

task_tracker::~task_tracker() {
  here_ = nullptr;
  const std::lock_guard lock(trackers().mutex);
  std::erase_if(trackers().all, [this](const auto& each) { return each.second == this; });
}

task_tracker::snapshot task_tracker::take() const {
  const std::lock_guard lock(mutex_);
  const auto waits = oldest_first(waits_);
  return {home_.now(), oldest_first(frames_), {waits.begin(), waits.end()}};
}

void task_tracker::begins(const async_frame& frame, frame_kind kind) noexcept {
  task_tracker& self = *here_;
  const auto now = self.home_.now();
  const std::lock_guard lock(self.mutex_);
  try {
    self.frames_[&frame] = {&frame, placed(frame.parent), frame.where, now, kind, self.begun_++};
  } catch (const std::bad_alloc&) {
    // the frame is left out
  }
}

void task_tracker::ends_here(const async_frame& frame) noexcept {
  if (here_ == nullptr) return;
  const std::lock_guard lock(here_->mutex_);
  here_->frames_.erase(&frame);
}

// Calls f(tracker) while the tracker cannot end. Does nothing when it has ended.
template <class F>
void task_tracker::with_tracker_of(const loop* home, F f) noexcept {
  if (home != nullptr && home == loop::current_or_null()) {
    if (here_ != nullptr) f(*here_);
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
}

void task_tracker::ends(const loop* home, const async_frame& frame) noexcept {
  with_tracker_of(home, [&](task_tracker& self) {
    const std::lock_guard lock(self.mutex_);
    self.frames_.erase(&frame);
  });
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
  const async_frame* frame;
  operation_base::finish_fn* finish;
  {
    const std::lock_guard lock(here_->mutex_);
    const auto found = here_->waits_.find(&operation);
    frame = found->second.frame;
    finish = found->second.finish;
    if (!operation.in_flight()) {  // else more completions follow
      operation.finish_ = finish;
      here_->waits_.erase(found);
    }
  }
  finishing_ = frame;
  finish(operation, with);
}

}  // namespace braid::detail
