#include "reactor.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/loop/current_loop_scope.hpp"
#include "braid/sim/world.hpp"

namespace braid::sim::detail {

sim_reactor::sim_reactor(computer& of, timeline& time, bool alone)
    : computer_(of), time_(time), machine_(of.its_machine()), alone_(alone) {
  of.is_run_by(this);
}

sim_reactor::~sim_reactor() { computer_.is_run_by(nullptr); }

void sim_reactor::submit(io_operation& operation) noexcept {
  mark_begun(operation);
  try {
    machine_.submit(operation);
  } catch (const std::bad_alloc&) {
    refused_.push_back(operation);
    ++refused_count_;
  }
}

void sim_reactor::turn(patience how_long, braid::detail::inbox& messages) noexcept {
  if (!refused_.empty()) {
    --refused_count_;
    return finish(refused_.pop_front(), {-ENOMEM, 0});
  }
  if (const std::size_t arrived = machine_.completions().size(); arrived != 0) {
    if (!alone_) return finish_one(machine_.within().draws().among(arrived));
    for (std::size_t left = arrived; left != 0; --left) finish_one(0);
    return;
  }
  if (!how_long.may_wait) {
    if (alone_ && time_.due() != 0) time_.happen(0);  // else a yielding loop would starve it
    return;
  }
  if (!messages.fall_asleep()) return;
  if (time_.is_driven && !loop::current().ending()) {
    sleeping_ = true;
    until_ = how_long.until;
  } else {
    wait_alone(how_long.until);
  }
}

void sim_reactor::finish_one(std::size_t which) noexcept {
  auto& all = machine_.completions();
  // A request may complete several times: its completions are finished in their order.
  const io_operation* const drawn = all[which].operation;
  const auto chosen =
      std::ranges::find_if(all, [&](const machine::completed& each) { return each.operation == drawn; });
  const machine::completed one = *chosen;
  all.erase(chosen);
  const request& what = one.operation->what();
  time_.note(machine_.owner(), {"ends", what.code, what.descriptor, one.ended.result});
  if ((one.ended.flags & completion::more) != 0) return finish_in_part(*one.operation, one.ended);
  finish(*one.operation, one.ended);
}

// No call drives the world: the loop runs on virtual time, or it is ending.
void sim_reactor::wait_alone(loop_clock::time_point until) noexcept {
  sleeping_ = true;
  until_ = until;
  const auto none = loop_clock::time_point::max();
  const auto latest = until == none ? none : computer_.world_time_of(until);
  while (!runnable()) {
    if (loop::current().ending() && !jobs_.empty()) {
      run_job(jobs_.front().number);
    } else if (time_.due() != 0) {
      time_.happen(machine_.within().draws().among(time_.due()));
    } else if (time_.advance(latest)) {
      continue;
    } else if (alone_) {
      woken_.wait(false, std::memory_order_acquire);  // for another thread
    } else {
      braid::detail::misused("simulation: a loop is ending and waits for an event that never comes");
    }
  }
  begin_turn();
}

void sim_reactor::wake() noexcept {
  woken_.store(true, std::memory_order_release);
  woken_.notify_one();
  computer_.changed();
}

void sim_reactor::touched() noexcept { computer_.changed(); }

bool sim_reactor::runnable() const noexcept {
  return !sleeping_ || !refused_.empty() || !machine_.completions().empty() ||
         woken_.load(std::memory_order_acquire) || now() >= deadline() ||
         (computer_.up() && computer_.loop_or_null()->operations().has_ready());
}

// Read from the loop, because a timer may have been added since it fell asleep.
loop_clock::time_point sim_reactor::deadline() const noexcept {
  return computer_.up() ? computer_.loop_or_null()->operations().next_deadline() : until_;
}

loop_clock::time_point sim_reactor::wakes_at() const noexcept {
  const auto due = deadline();
  return due == loop_clock::time_point::max() ? due : computer_.world_time_of(due);
}

void sim_reactor::begin_turn() noexcept {
  sleeping_ = false;
  woken_.store(false, std::memory_order_relaxed);
}

// The job counts as a thread of its own: any other step may come before it.
void sim_reactor::offload(braid::detail::blocking_job& job) {
  const std::uint64_t number = ++jobs_begun_;
  jobs_.push_back({number, &job});
  try {
    time_.at(time_.now(), [&on = computer_, number] {
      if (on.reactor() != nullptr) on.reactor()->run_job(number);
    });
  } catch (...) {
    jobs_.pop_back();
    throw;
  }
}

bool sim_reactor::withdraw(braid::detail::blocking_job& job) noexcept {
  return std::erase_if(jobs_, [&job](const offloaded& each) { return each.job == &job; }) != 0;
}

void sim_reactor::run_job(std::uint64_t number) noexcept {
  const auto found = std::find_if(jobs_.begin(), jobs_.end(),
                                  [number](const offloaded& each) { return each.number == number; });
  if (found == jobs_.end()) return;  // it was withdrawn, or wait_alone has run it
  braid::detail::blocking_job& job = *found->job;
  jobs_.erase(found);
  const current_loop_scope nowhere(nullptr);
  job.carry_out();
}

}  // namespace braid::sim::detail
