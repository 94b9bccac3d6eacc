#include "braid/sim/host.hpp"

#include <cmath>
#include <stdexcept>
#include <utility>

#include "braid/sim/world.hpp"
#include "braid/style/start.hpp"
#include "computer.hpp"
#include "disk/disk.hpp"
#include "network/network.hpp"
#include "schedule/agenda.hpp"
#include "schedule/timeline.hpp"

namespace braid::sim {

host::host(world& in, std::string name, std::string address, host_options options)
    : world_(in),
      name_(std::move(name)),
      address_(std::move(address)),
      options_(std::move(options)),
      computer_(std::make_unique<detail::computer>(*this, *in.timeline_, *in.network_, *in.agenda_)) {
  if (!(options_.clock_rate > 0) || !std::isfinite(options_.clock_rate))
    throw std::invalid_argument("sim::host " + name_ + ": the clock's rate must be positive");
}

host::~host() = default;

bool host::up() const noexcept { return computer_->up(); }
loop& host::its_loop() { return computer_->its_loop(); }
void host::awaken() noexcept { computer_->awaken(); }
loop_clock::time_point host::now() const noexcept { return computer_->now(); }

void host::start() {
  loop& its = computer_->start();
  its.on_unhandled_error([this](const error& why) { world_.fail(*this, why); });
  if (!options_.program) return;
  its.post([this] {
    braid::start(options_.program(*this), [this](result<void> ended) {
      if (!ended) world_.fail(*this, ended.error());
    });
  });
}

std::optional<std::string> host::contents(const std::string& path) const {
  return computer_->its_machine().its_disk().contents(path);
}
void host::put(const std::string& path, readable_bytes bytes) {
  computer_->its_machine().its_disk().put(path, bytes);
}

}  // namespace braid::sim
