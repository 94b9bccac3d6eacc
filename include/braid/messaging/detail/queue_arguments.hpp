#pragma once

#include <span>
#include <string_view>

#include "braid/messaging/queue_options.hpp"

// Checks the arguments of a queue's operations, the same for each engine.
namespace braid::messaging::detail {

// Each throws std::invalid_argument; the last one also fails with message_size.
void require_queue_options(const queue_options& how);
void require_group_options(std::string_view name, const group_options& how);
void require_sendable(std::span<const outgoing> all, const queue_options& how, bool needs_room);

}  // namespace braid::messaging::detail
