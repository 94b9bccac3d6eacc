#include "braid/sim/virtual_time.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "computer.hpp"
#include "network/network.hpp"
#include "reactor.hpp"

namespace braid::sim {

virtual_time::virtual_time(const world_options& options)
    : world_(options), override_([this](const loop_options&) {
        remove_ended();
        const std::string number = std::to_string(world_.hosts_.size() + 1);
        host& made = world_.adopt(
            std::make_unique<host>(world_, "loop " + number, "10.1.0." + number, host_options{}));
        return std::make_unique<detail::sim_reactor>(*made.computer_, *world_.timeline_, true);
      }) {}
virtual_time::~virtual_time() = default;

// Removes the hosts once all loops have ended: what they left behind cannot matter any more.
void virtual_time::remove_ended() {
  const auto has_ended = [](const auto& each) { return each->computer_->reactor() == nullptr; };
  if (!std::ranges::all_of(world_.hosts_, has_ended)) return;
  auto next = std::make_unique<detail::network>(world_, *world_.timeline_);
  world_.timeline_->clear();
  world_.known_.clear();
  world_.hosts_.clear();
  world_.network_ = std::move(next);  // the old one refers to the old hosts by their addresses
}

}  // namespace braid::sim
