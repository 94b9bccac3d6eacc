#pragma once

#include <functional>
#include <span>

#include "braid/messaging/queue.hpp"
#include "braid/style/task.hpp"

namespace braid_tests {

/// Opens the queue that a case tests: the same messages each time, and none at first. After the queue before
/// was destroyed without close() it may take a while.
using queue_opener = std::function<braid::task<braid::messaging::queue>(braid::messaging::queue_options)>;

/// What a queue does, whatever its engine is. A case fails by the assertions of Catch2. It takes real time as
/// well as virtual: leases are short where one has to end, and hours where none may.
struct queue_case {
  const char* name;
  braid::task<> (*run)(const queue_opener& opens);
};

/// Of one queue: sends, deliveries, outcomes, order.
[[nodiscard]] std::span<const queue_case> delivery_cases();
/// Of one queue: consumers, dead letters, bounds, and what its owner does.
[[nodiscard]] std::span<const queue_case> owner_cases();
/// Of two queues over the same messages at a time, for engines that have that.
[[nodiscard]] std::span<const queue_case> shared_cases();

}  // namespace braid_tests
