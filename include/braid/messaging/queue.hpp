#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/loop/bytes.hpp"
#include "braid/messaging/delivery.hpp"
#include "braid/messaging/error.hpp"
#include "braid/messaging/queue_metrics.hpp"
#include "braid/messaging/queue_options.hpp"
#include "braid/style/task.hpp"

namespace braid::messaging {

/// Messages that wait in files until they are worked on: accepted fast, done later, never lost.
///
///     messaging::queue jobs = co_await messaging::queue::open("/tmp/jobs");
///     co_await jobs.make_group("thumbnails");  // does nothing if it is there
///     co_await jobs.send("resize 7", {.key = "user 12"});  // on the device now
///     messaging::delivery job = co_await jobs.receive("thumbnails");
///     log(job.body());
///     co_await job.ack();
///     co_await jobs.close();
///
/// Each group gets each message that is sent after the group was made. Within a group a message goes to one
/// receiver at a time. It is delivered until a delivery is acknowledged: at least once, and more often where
/// a delivery fails, its lease ends, or the process ends before the acknowledgement is durable.
/// docs/messaging.md has the guarantees.
///
/// Lifetime  the destructor ends what waits with errc::queue_closed. Without close() the deliveries that have
///           no outcome count as attempts.
/// Threads   one loop's; others post to it. One queue at a time has a directory, in all processes: otherwise
///           open fails with device_or_resource_busy.
/// Errors    errc::queue_closed. When a write or a sync of its log has failed, the queue takes no more
///           operations: errc::log_stopped.
class queue {
 public:
  queue(queue&&) noexcept;
  queue& operator=(queue&& other) noexcept;
  ~queue();

  /// Opens the queue in a directory, which is made if it is missing. Reads all of its files.
  /// Errors  device_or_resource_busy; errc::unreadable_segment; those of the file system. Damage is no error:
  ///         recovery() reports it.
  [[nodiscard]] static task<queue> open(std::filesystem::path directory, queue_options how = {});

  /// Makes a group, or changes the options of one that is there.
  [[nodiscard]] task<> make_group(std::string_view name, group_options how = {});

  /// Sends a message to all groups and waits until it is durable; before that for room, where the queue is
  /// full. A sender of its number.
  /// Lifetime  the bytes stay alive until it has ended.
  /// Errors    message_size; no_space_on_device: it is not sent; errc::unknown_group where there is none.
  /// Cancel    ends as cancelled while it waits for room. Once its write has begun, it is sent.
  [[nodiscard]] task<std::uint64_t> send(readable_bytes body, send_options how = {});
  /// As send, but fails with errc::queue_full where send waits for room.
  [[nodiscard]] task<std::uint64_t> try_send(readable_bytes body, send_options how = {});
  /// Sends several messages, at most 4096, at once: all of them or none. A sender of their numbers.
  [[nodiscard]] task<std::vector<std::uint64_t>> send_all(std::span<const outgoing> all);

  /// Waits for a message and begins its delivery. The attempt is durable before this completes.
  /// Errors  errc::unknown_group; those of read(2): then the message stays where it is.
  /// Cancel  takes no message. One whose delivery was being written is given back, without an attempt.
  [[nodiscard]] task<delivery> receive(std::string_view group);

  /// The messages of a group whose deliveries have all failed, the first to fail first.
  [[nodiscard]] std::vector<dead_letter> dead_letters(std::string_view group) const;

  /// Gives back what was delivered and has no outcome, which costs no attempt, and gives up the directory.
  /// What waits ends with errc::queue_closed. A second close waits for the first one, and is no error.
  /// Cancel  ignored once it has begun.
  [[nodiscard]] task<> close();

  /// Cost  looks at each message.
  [[nodiscard]] queue_metrics metrics() const;
  [[nodiscard]] const queue_recovery& recovery() const noexcept;
  /// Throws std::logic_error unless each unfinished message is either ready, delayed, leased or dead, in each
  /// group. For tests.
  void check() const;

 private:
  explicit queue(std::shared_ptr<detail::queue_core> core) noexcept;
  std::shared_ptr<detail::queue_core> core_;
};

}  // namespace braid::messaging
