#include "schedule/agenda.hpp"

#include <algorithm>

#include "computer.hpp"
#include "reactor.hpp"

namespace braid::sim::detail {

agenda::~agenda() {
  while (!wakes_.empty()) wakes_.pop();
}

agenda_entry& agenda::add(computer& one) {
  runnable_.reserve(entries_.size() + 1);
  return entries_.emplace_back(one, entries_.size());
}

void agenda::changed(agenda_entry& which) noexcept {
  if (which.changed_.exchange(true, std::memory_order_acq_rel)) return;
  agenda_entry* top = changed_.load(std::memory_order_relaxed);
  do which.next_changed_ = top;
  while (!changed_.compare_exchange_weak(top, &which, std::memory_order_release, std::memory_order_relaxed));
}

void agenda::update() {
  if (changed_.load(std::memory_order_relaxed) == nullptr) return;
  agenda_entry* each = changed_.exchange(nullptr, std::memory_order_acquire);
  while (each != nullptr) {
    agenda_entry& one = *each;
    each = one.next_changed_;
    one.changed_.exchange(false, std::memory_order_acq_rel);  // before the look: a later change sets it again
    look_at(one);
    if (one.computer_.up() && one.computer_.loop_or_null()->running()) changed(one);
  }
}

void agenda::update_all() {
  for (agenda_entry& each : entries_) look_at(each);
}

void agenda::wake(loop_clock::time_point now) {
  while (next_wake() <= now) changed(static_cast<agenda_entry&>(wakes_.pop()));
  update();
}

void agenda::look_at(agenda_entry& one) {
  const auto never = loop_clock::time_point::max();
  const sim_reactor* const up = one.computer_.up() ? one.computer_.reactor() : nullptr;
  if (const bool may_run = up != nullptr && up->runnable(); may_run != one.runnable_) {
    const auto place = std::ranges::lower_bound(runnable_, one.order_, {}, &agenda_entry::order_);
    if (may_run)
      runnable_.insert(place, &one);
    else
      runnable_.erase(place);
    one.runnable_ = may_run;
  }
  const auto wakes = up != nullptr ? up->wakes_at() : never;
  if (wakes == (one.in_flight() ? one.deadline() : never)) return;
  if (one.in_flight()) wakes_.remove(one);
  if (wakes != never) wakes_.add(one, wakes);
}

}  // namespace braid::sim::detail
