#pragma once

#include <filesystem>
#include <memory>

#include "braid/messaging/detail/queue_engine.hpp"

namespace braid::messaging::detail {

// The engine of queue::open: a queue_core behind the interface of all engines.
[[nodiscard]] task<std::shared_ptr<queue_engine>> open_embedded(std::filesystem::path directory,
                                                                queue_options how);

}  // namespace braid::messaging::detail
