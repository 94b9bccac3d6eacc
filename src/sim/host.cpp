#include "braid/sim/host.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "braid/loop/current_loop_scope.hpp"
#include "braid/sim/world.hpp"
#include "disk/disk.hpp"
#include "machine.hpp"
#include "network/network.hpp"
#include "reactor.hpp"
#include "schedule/agenda.hpp"

namespace braid::sim {

host::host(world& in, std::string name, std::string address, host_options options)
    : world_(in),
      name_(std::move(name)),
      address_(std::move(address)),
      options_(std::move(options)),
      machine_(std::make_unique<detail::machine>(in, *this, *in.timeline_, *in.network_, address_)) {
  if (!(options_.clock_rate > 0) || !std::isfinite(options_.clock_rate))
    throw std::invalid_argument("sim::host " + name_ + ": the clock's rate must be positive");
}

host::~host() {
  if (loop_ != nullptr) end_loop();
}

loop& host::its_loop() {
  if (loop_ == nullptr) throw std::logic_error("sim::host " + name_ + " is down");
  changed();  // the caller probably begins something on it
  return *loop_;
}

void host::start() {
  ++boots_;
  machine_->get_power(boots_);
  // One operation a turn, so that anything can happen between two operations.
  const loop_options options{.operations_per_turn = 1, .track_tasks = world_.options().track_tasks};
  {
    const current_loop_scope nowhere(nullptr);
    loop_ = std::make_unique<loop>(options,
                                   std::make_unique<detail::sim_reactor>(*this, *world_.timeline_, false));
  }
  changed();
  loop_->on_unhandled_error([this](const error& why) { world_.fail(*this, why); });
  if (!options_.program) return;
  loop_->post([this] {
    braid::start(options_.program(*this), [this](result<void> ended) {
      if (!ended) world_.fail(*this, ended.error());
    });
  });
}

void host::lose_power() {
  machine_->lose_power();
  end_loop();
}

void host::end_loop() {
  const current_loop_scope there(loop_.get());
  loop_.reset();
  reactor_ = nullptr;
  changed();
}

void host::awaken() noexcept { reactor_->wake(); }

void host::changed() noexcept {
  if (entry_ != nullptr) world_.agenda_->changed(*entry_);
}

loop_clock::time_point host::now() const noexcept { return clock_at(world_.now()); }

loop_clock::time_point host::clock_at(loop_clock::time_point worlds) const noexcept {
  if (options_.clock_rate == 1) return worlds + options_.clock_offset;
  const double ran = static_cast<double>(worlds.time_since_epoch().count()) * options_.clock_rate;
  return loop_clock::time_point(options_.clock_offset + loop_clock::duration(static_cast<std::int64_t>(ran)));
}

// The first instant at which the host's clock has reached mine.
loop_clock::time_point host::world_time_of(loop_clock::time_point mine) const noexcept {
  const auto offset = options_.clock_offset;
  if (options_.clock_rate == 1) return mine - offset;
  const double ran = static_cast<double>((mine - offset).time_since_epoch().count()) / options_.clock_rate;
  if (ran > 9e18) return loop_clock::time_point::max();
  auto at = loop_clock::time_point(loop_clock::duration(static_cast<std::int64_t>(std::ceil(ran))));
  while (clock_at(at) < mine) at += std::max(mine - clock_at(at), loop_clock::duration(1));  // rounded down
  return at;
}

std::optional<std::string> host::contents(const std::string& path) const {
  return machine_->its_disk().contents(path);
}
void host::put(const std::string& path, readable_bytes bytes) { machine_->its_disk().put(path, bytes); }

}  // namespace braid::sim
