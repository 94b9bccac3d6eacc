#include "braid/sim/world.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "computer.hpp"
#include "network/network.hpp"
#include "reactor.hpp"
#include "schedule/agenda.hpp"
#include "schedule/timeline.hpp"

namespace braid::sim {

world::world(const world_options& options)
    : options_(options),
      own_choices_(options.seed),
      choices_(&own_choices_),
      agenda_(std::make_unique<detail::agenda>()),
      timeline_(std::make_unique<detail::timeline>(*agenda_, options.keeps_trace)),
      network_(std::make_unique<detail::network>(*this, *timeline_)) {}
world::world(const world_options& options, choices& from)
    : options_(options),
      own_choices_(options.seed),
      choices_(&from),
      agenda_(std::make_unique<detail::agenda>()),
      timeline_(std::make_unique<detail::timeline>(*agenda_, options.keeps_trace)),
      network_(std::make_unique<detail::network>(*this, *timeline_)) {}

world::~world() {
  for (const auto& each : hosts_)
    if (each->up()) each->computer_->end_loop();
  timeline_->clear();  // what was to happen refers to the hosts and the network
}

// ---- hosts ----------------------------------------------------------------------------------------------

host& world::add_host(std::string name, host_options options) {
  if (find(name) != nullptr) throw std::invalid_argument("sim::world: there is a host " + name + " already");
  const std::size_t number = hosts_.size() + 1;
  const std::string address = "10.0." + std::to_string(number / 256) + "." + std::to_string(number % 256);
  host& made = adopt(std::make_unique<host>(*this, std::move(name), address, std::move(options)));
  made.computer_->enter_agenda();
  made.start();
  return made;
}

host& world::adopt(std::unique_ptr<host> one) {
  host& made = *hosts_.emplace_back(std::move(one));
  known_.try_emplace(made.name(), &made);
  known_.try_emplace(made.address(), &made);
  return made;
}

host& world::first_host() { return hosts_.empty() ? add_host("local") : *hosts_.front(); }

host* world::find(std::string_view name_or_address) noexcept {
  const auto found = known_.find(name_or_address);
  return found != known_.end() ? found->second : nullptr;
}

void world::crash(host& which) {
  if (!which.up()) return;
  if (which.its_loop().running())  // the call comes from its own program
    return timeline_->at(now(), [this, &which, boot = which.computer_->boots()] {
      if (which.computer_->boots() == boot) crash(which);
    });
  timeline_->note(which, {"crashes", opcode::nop, -1, 0});
  which.computer_->lose_power();
}

void world::restart(host& which) {
  if (which.up()) {
    if (which.its_loop().running()) return timeline_->at(now(), [this, &which] { restart(which); });
    crash(which);
  }
  if (which.computer_->reactor() != nullptr)
    return timeline_->at(now(), [this, &which] { restart(which); });  // it still ends
  timeline_->note(which, {"restarts", opcode::nop, -1, 0});
  which.start();
}

void world::partition(const host& one, const host& other) {
  if (!are_apart(one, other)) apart_.emplace_back(&one, &other);
}
void world::join(const host& one, const host& other) {
  if (std::erase_if(apart_, [&](const auto& pair) {
        return pair == std::pair(&one, &other) || pair == std::pair(&other, &one);
      }) != 0)
    network_->joined(one.computer_->its_machine(), other.computer_->its_machine());
}
bool world::are_apart(const host& one, const host& other) const noexcept {
  return std::ranges::any_of(apart_, [&](const auto& pair) {
    return pair == std::pair(&one, &other) || pair == std::pair(&other, &one);
  });
}

// ---- time -----------------------------------------------------------------------------------------------

void world::after(loop_clock::duration later, unique_function<void()> f) {
  if (later < loop_clock::duration::zero())
    throw std::invalid_argument("sim::world::after: the time is in the past");
  timeline_->at(loop_clock::later_than(now(), later), [this, f = std::move(f)]() mutable {
    f();
    look_at_all_hosts();
  });
}

bool world::nothing_to_do() const noexcept { return timeline_->due() == 0 && agenda_->runnable() == 0; }

// Needed after code outside of all hosts has run, which may have begun something on any of their loops.
void world::look_at_all_hosts() { agenda_->update_all(); }

bool world::step() {
  if (steps() == options_.most_steps) throw_stuck();
  agenda_->update();
  if ((nothing_to_do() || timeline_->is_spinning()) && !timeline_->advance() && nothing_to_do()) {
    look_at_all_hosts();
    if (nothing_to_do() && !timeline_->advance()) return false;
  }
  timeline_->count_step();
  const std::size_t due = timeline_->due();
  const std::size_t chosen = choices_->among(due + agenda_->runnable());
  if (chosen < due)
    timeline_->happen(chosen);
  else if (chosen - due < agenda_->runnable())
    turn(agenda_->runnable(chosen - due));
  return true;
}

void world::turn(detail::computer& which) {
  loop& its = which.its_loop();
  const current_loop_scope there(&its);
  const braid::detail::running_scope running(its, "sim::world::run");
  which.reactor()->begin_turn();
  its.operations().choose_next(16, [this](std::size_t n) { return choices_->among(n); });
  its.turn(true);
}

void world::run_until_idle() {
  const driving here(*this);
  while (step()) rethrow_failure();
  rethrow_failure();
}

void world::run_for(loop_clock::duration time) {
  const driving here(*this);
  const auto over = std::make_shared<bool>(false);  // may outlive this call, which may throw
  after(time, [over] { *over = true; });
  drive([&] { return *over; });
}

// ---- ends -----------------------------------------------------------------------------------------------

void world::fail(const host& where, const error& why) noexcept {
  timeline_->note(where, {"fails", opcode::nop, -1, why.code().value()});
  if (!where.up()) return;  // an error of a host that is crashing
  if (failure_ != nullptr || why.is_requested_cancellation()) return;
  try {
    why.rethrow();
  } catch (...) {
    failure_ = std::current_exception();
  }
}

void world::rethrow_failure() {
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void world::throw_stuck() {
  const bool spent = steps() == options_.most_steps;
  throw stuck("simulation: " +
              std::string(spent ? "all steps are used up (world_options::most_steps)"
                                : "nothing can happen any more, but the awaited operation has not ended") +
              ", seed " + std::to_string(options_.seed) + ", at " + detail::text_of(now()) + ", after " +
              std::to_string(steps()) + " steps");
}

loop_clock::time_point world::now() const noexcept { return timeline_->now(); }
std::uint64_t world::steps() const noexcept { return timeline_->steps(); }
std::uint64_t world::trace_hash() const noexcept { return timeline_->trace_hash(); }
const std::vector<std::string>& world::trace() const noexcept { return timeline_->trace(); }

world::driving::driving(world& which)
    : which_(which), outer_(std::exchange(which.timeline_->is_driven, true)) {
  if (outer_) throw std::logic_error("sim::world::run: the world is being run already");
  which.look_at_all_hosts();
}
world::driving::~driving() { which_.timeline_->is_driven = outer_; }

}  // namespace braid::sim
