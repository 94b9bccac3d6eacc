#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/loop/clock.hpp"

namespace braid::messaging {

/// How a delivery has failed.
///
///     const auto is_lost = [](messaging::delivery_failure how) {
///       return how == messaging::delivery_failure::lost;
///     };
enum class delivery_failure : std::uint8_t {
  none,
  refused,  ///< by nack()
  expired,  ///< its lease has ended
  dropped,  ///< it was destroyed without an outcome
  lost,  ///< the process ended while it had the message
  damaged,  ///< the message's body can no longer be read
};

/// A delivery that has failed, of a dead letter.
///
///     const auto show = [](const messaging::failed_delivery& each) { log(each.reason); };
struct failed_delivery {
  std::uint32_t attempt = 0;
  delivery_failure how = delivery_failure::none;
  std::chrono::system_clock::time_point at{};
  std::string reason;  ///< that nack() was given; its first 500 bytes
};

/// A message whose deliveries have all failed.
///
///     const std::vector<messaging::dead_letter> dead = co_await jobs.dead_letters("thumbnails");
///     for (const messaging::dead_letter& each : dead)
///       log(std::to_string(each.id) + ": " + each.failures.back().reason);
struct dead_letter {
  std::uint64_t id = 0;
  std::string key;
  std::size_t bytes = 0;  ///< of its body
  std::chrono::system_clock::time_point sent_at{};
  std::uint32_t attempts = 0;
  std::uint32_t recoveries = 0;  ///< attempts that ended with their process
  std::vector<failed_delivery> failures;  ///< the last 20
};

/// The state and the counts of a group. Counts begin when the queue is opened.
///
///     const messaging::queue_metrics now = co_await jobs.metrics();
///     for (const messaging::group_metrics& each : now.groups)
///       if (each.dead != 0) log(each.name + " has dead letters");
struct group_metrics {
  std::string name;
  bool paused = false;
  std::size_t ready = 0, delayed = 0, leased = 0, dead = 0;  ///< messages
  std::optional<loop_clock::duration> oldest{};  ///< the age of the oldest of them
  std::uint64_t deliveries = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t failures = 0;  ///< of deliveries, by whatever cause but the end of a process
  std::uint64_t recoveries = 0;  ///< deliveries that a process had not finished when it ended
  std::uint64_t stale = 0;  ///< outcomes that were refused, since their token was stale
  std::uint64_t buried = 0;  ///< messages that became dead letters
  std::optional<loop_clock::time_point> last_progress{};  ///< the last acknowledgement
};

/// The state and the counts of a queue.
///
///     const messaging::queue_metrics now = co_await jobs.metrics();
///     log(std::to_string(now.messages) + " messages wait");
struct queue_metrics {
  std::size_t messages = 0;  ///< that are not finished
  std::size_t bytes = 0;  ///< of their bodies
  std::uint64_t sent = 0, refused = 0, duplicates = 0;
  std::uint64_t file_bytes = 0, files = 0;
  std::uint64_t moved = 0;  ///< messages that were appended once more, so that an old file could be removed
  std::uint64_t failed_removals = 0;  ///< attempts to remove old files
  std::vector<group_metrics> groups;
};

/// The damage that open() has found.
///
///     const messaging::queue_recovery& found = jobs.recovery();
///     for (const std::string& each : found.damaged) log(each);
struct queue_recovery {
  std::vector<std::string> damaged;  ///< the places of the files, and what is missing for it
  std::uint64_t records = 0;
  std::uint64_t recovered = 0;  ///< deliveries that the last process had not finished
};

}  // namespace braid::messaging
