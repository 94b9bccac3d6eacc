#pragma once

#include <memory>
#include <string>

#include "braid/messaging/queue.hpp"

namespace braid::messaging::detail {

// Receives and handles messages until it is stopped.
[[nodiscard]] task<> consume(std::shared_ptr<queue_engine> from, std::string group, queue::handler handle,
                             consume_options how);

}  // namespace braid::messaging::detail
