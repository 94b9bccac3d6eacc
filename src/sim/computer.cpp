#include "computer.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "braid/loop/current_loop_scope.hpp"
#include "braid/sim/world.hpp"
#include "disk/disk.hpp"
#include "reactor.hpp"
#include "schedule/agenda.hpp"
#include "schedule/timeline.hpp"

namespace braid::sim::detail {

computer::computer(host& of, timeline& time, network& connects, agenda& hosts)
    : host_(of),
      clock_rate_(of.options().clock_rate),
      clock_offset_(of.options().clock_offset),
      time_(time),
      agenda_(hosts),
      machine_(of, *this, time, connects) {}

computer::~computer() {
  if (loop_ != nullptr) end_loop();
}

loop& computer::its_loop() {
  if (loop_ == nullptr) throw std::logic_error("sim::host " + host_.name() + " is down");
  changed();  // the caller probably begins something on it
  return *loop_;
}

void computer::enter_agenda() { entry_ = &agenda_.add(*this); }

void computer::changed() noexcept {
  if (entry_ != nullptr) agenda_.changed(*entry_);
}

void computer::awaken() noexcept { reactor_->wake(); }

loop& computer::start() {
  ++boots_;
  machine_.get_power(boots_);
  // One operation a turn, so that anything can happen between two operations.
  const loop_options options{.operations_per_turn = 1, .track_tasks = host_.within().options().track_tasks};
  {
    const current_loop_scope nowhere(nullptr);
    loop_ = std::make_unique<loop>(options, std::make_unique<sim_reactor>(*this, time_, false));
  }
  changed();
  return *loop_;
}

void computer::end_loop() {
  const current_loop_scope there(loop_.get());
  loop_.reset();
  reactor_ = nullptr;
  changed();
}

void computer::lose_power() {
  machine_.lose_power();
  end_loop();
}

loop_clock::time_point computer::clock_at(loop_clock::time_point worlds) const noexcept {
  if (clock_rate_ == 1) return worlds + clock_offset_;
  const double ran = static_cast<double>(worlds.time_since_epoch().count()) * clock_rate_;
  return loop_clock::time_point(clock_offset_ + loop_clock::duration(static_cast<std::int64_t>(ran)));
}

loop_clock::time_point computer::world_time_of(loop_clock::time_point mine) const noexcept {
  const auto offset = clock_offset_;
  if (clock_rate_ == 1) return mine - offset;
  const double ran = static_cast<double>((mine - offset).time_since_epoch().count()) / clock_rate_;
  if (ran > 9e18) return loop_clock::time_point::max();
  auto at = loop_clock::time_point(loop_clock::duration(static_cast<std::int64_t>(std::ceil(ran))));
  while (clock_at(at) < mine) at += std::max(mine - clock_at(at), loop_clock::duration(1));  // rounded down
  return at;
}

}  // namespace braid::sim::detail
