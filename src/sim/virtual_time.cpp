#include "braid/sim/virtual_time.hpp"

#include <memory>
#include <string>

#include "reactor.hpp"

namespace braid::sim {

virtual_time::virtual_time(const world_options& options)
    : world_(options), override_([this](const loop_options&) {
        const std::string number = std::to_string(world_.hosts_.size() + 1);
        world_.hosts_.push_back(
            std::make_unique<host>(world_, "loop " + number, "10.1.0." + number, host_options{}));
        return std::make_unique<detail::sim_reactor>(*world_.hosts_.back());
      }) {}
virtual_time::~virtual_time() = default;

}  // namespace braid::sim
