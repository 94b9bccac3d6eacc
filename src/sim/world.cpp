#include "braid/sim/world.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <utility>

#include "machine.hpp"
#include "network/network.hpp"
#include "reactor.hpp"
#include "schedule/agenda.hpp"

namespace braid::sim {

namespace {

// After this many steps at one instant the program is assumed to wait for time by yielding. Then time passes,
// as it does while a real program spins.
constexpr std::uint64_t most_steps_at_a_time = 100'000;

std::string text_of(loop_clock::time_point when) {
  std::array<char, 48> text{};
  const auto ns = static_cast<long long>(when.time_since_epoch().count());
  std::snprintf(text.data(), text.size(), "%lld.%09lld s", ns / 1'000'000'000, ns % 1'000'000'000);
  return text.data();
}

}  // namespace

world::world(const world_options& options)
    : options_(options),
      own_choices_(options.seed),
      choices_(&own_choices_),
      network_(std::make_unique<detail::network>(*this)),
      agenda_(std::make_unique<detail::agenda>()) {}
world::world(const world_options& options, choices& from)
    : options_(options),
      own_choices_(options.seed),
      choices_(&from),
      network_(std::make_unique<detail::network>(*this)),
      agenda_(std::make_unique<detail::agenda>()) {}

world::~world() {
  for (const auto& each : hosts_)
    if (each->up()) each->end_loop();
}

// ---- hosts ----------------------------------------------------------------------------------------------

host& world::add_host(std::string name, host_options options) {
  if (find(name) != nullptr) throw std::invalid_argument("sim::world: there is a host " + name + " already");
  const std::size_t number = hosts_.size() + 1;
  const std::string address = "10.0." + std::to_string(number / 256) + "." + std::to_string(number % 256);
  host& made = adopt(std::make_unique<host>(*this, std::move(name), address, std::move(options)));
  made.entry_ = &agenda_->add(made);
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
    return at(now_, [this, &which, boot = which.boots_] {
      if (which.boots_ == boot) crash(which);
    });
  note(which, {"crashes", opcode::nop, -1, 0});
  which.lose_power();
}

void world::restart(host& which) {
  if (which.up()) {
    if (which.its_loop().running()) return at(now_, [this, &which] { restart(which); });
    crash(which);
  }
  if (which.reactor_ != nullptr) return at(now_, [this, &which] { restart(which); });  // it still ends
  note(which, {"restarts", opcode::nop, -1, 0});
  which.start();
}

void world::partition(const host& one, const host& other) {
  if (!are_apart(one, other)) apart_.emplace_back(&one, &other);
}
void world::join(const host& one, const host& other) {
  if (std::erase_if(apart_, [&](const auto& pair) {
        return pair == std::pair(&one, &other) || pair == std::pair(&other, &one);
      }) != 0)
    network_->joined(*one.machine_, *other.machine_);
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
  at(loop_clock::later_than(now_, later), [this, f = std::move(f)]() mutable {
    f();
    look_at_all_hosts();
  });
}

void world::at(loop_clock::time_point when, unique_function<void()> f) {
  const std::size_t all = due_.size() + events_.size() + 1;  // advance() may move all of them: no allocation
  if (all > due_.capacity()) due_.reserve(std::max(all, 2 * due_.capacity()));
  if (when <= now_) return due_.push_back(std::move(f));
  events_.push_back({when, scheduled_++, std::move(f)});
  std::push_heap(events_.begin(), events_.end(), later);
}

bool world::advance(loop_clock::time_point latest) {
  agenda_->update();
  auto next = std::min(latest, agenda_->next_wake());
  if (!events_.empty()) next = std::min(next, events_.front().when);
  if (next == loop_clock::time_point::max()) return false;
  if (next <= now_) return true;
  now_ = next;
  steps_at_this_time_ = 0;
  while (!events_.empty() && events_.front().when <= now_) {
    std::pop_heap(events_.begin(), events_.end(), later);
    due_.push_back(std::move(events_.back().happens));
    events_.pop_back();
  }
  agenda_->wake(now_);
  return true;
}

void world::happen(std::size_t due) {
  std::swap(due_[due], due_.back());
  unique_function<void()> f = std::move(due_.back());
  due_.pop_back();
  f();
}

bool world::nothing_to_do() const noexcept { return due_.empty() && agenda_->runnable() == 0; }

// Needed after code outside of all hosts has run, which may have begun something on any of their loops.
void world::look_at_all_hosts() { agenda_->update_all(); }

bool world::step() {
  if (steps_ == options_.most_steps) throw_stuck();
  agenda_->update();
  if ((nothing_to_do() || steps_at_this_time_ >= most_steps_at_a_time) && !advance() && nothing_to_do()) {
    look_at_all_hosts();
    if (nothing_to_do() && !advance()) return false;
  }
  ++steps_;
  ++steps_at_this_time_;
  const std::size_t chosen = choices_->among(due_.size() + agenda_->runnable());
  if (chosen < due_.size())
    happen(chosen);
  else if (chosen - due_.size() < agenda_->runnable())
    turn(agenda_->runnable(chosen - due_.size()));
  return true;
}

void world::turn(host& which) {
  loop& its = which.its_loop();
  const current_loop_scope there(&its);
  const braid::detail::running_scope running(its, "sim::world::run");
  which.reactor_->begin_turn();
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
  note(where, {"fails", opcode::nop, -1, why.code().value()});
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
  const bool spent = steps_ == options_.most_steps;
  throw stuck("simulation: " +
              std::string(spent ? "all steps are used up (world_options::most_steps)"
                                : "nothing can happen any more, but the awaited operation has not ended") +
              ", seed " + std::to_string(options_.seed) + ", at " + text_of(now_) + ", after " +
              std::to_string(steps_) + " steps");
}

world::driving::driving(world& which) : which_(which), outer_(std::exchange(which.driven_, true)) {
  if (outer_) throw std::logic_error("sim::world::run: the world is being run already");
  which.look_at_all_hosts();
}

// FNV-1a, word by word.
void world::note(const host& at, const event& happened) noexcept {
  steps_at_this_time_ = 0;  // the program makes progress: it does not only spin
  const auto mix = [this](std::uint64_t word) { trace_hash_ = (trace_hash_ ^ word) * 0x100000001b3; };
  mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  for (const char c : at.name()) mix(static_cast<unsigned char>(c));
  for (const char* c = happened.what; *c != '\0'; ++c) mix(static_cast<unsigned char>(*c));
  mix(static_cast<std::uint64_t>(happened.code));
  mix(static_cast<std::uint64_t>(happened.descriptor));
  mix(static_cast<std::uint64_t>(happened.value));
  if (!options_.keeps_trace) return;
  try {
    keep(at, happened);
  } catch (const std::bad_alloc&) {
    // the trace lacks a line
  }
}

void world::keep(const host& at, const event& happened) {
  std::string line = text_of(now_) + " " + at.name() + " ";
  if (happened.code != opcode::nop || happened.descriptor >= 0)
    line += std::string(braid::name_of(happened.code)) + " ";
  line += happened.what;
  if (happened.descriptor >= 0) line += " on " + std::to_string(happened.descriptor & 0xffff);
  trace_.push_back(line + ": " + std::to_string(happened.value));
}

}  // namespace braid::sim
