#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/base/unique_function.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/loop/clock.hpp"
#include "braid/messaging/consume_options.hpp"
#include "braid/messaging/delivery.hpp"
#include "braid/messaging/error.hpp"
#include "braid/messaging/queue_metrics.hpp"
#include "braid/messaging/queue_options.hpp"
#include "braid/style/task.hpp"

namespace braid::messaging {

/// Messages that wait until they are worked on: accepted fast, done later, never lost. They are in files, or
/// on a server (redis::open_queue).
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

  /// Handles a delivery. Its end acknowledges the delivery, and its exception is the reason of a nack, unless
  /// it has settled the delivery itself.
  using handler = unique_function<task<>(delivery&)>;
  /// Receives messages and calls the handler with each, until it is stopped. The lease lasts while the
  /// handler runs.
  ///
  ///     const auto handle = [](messaging::delivery& job) -> task<> { log(co_await fetch(job.body())); };
  ///     co_await jobs.consume("thumbnails", handle, {.concurrency = 4, .time_limit = 1min});
  ///
  /// Errors  those of receive and of ack; on a full disk, or while a server is down, it tries again instead.
  /// Cancel  stops the handlers and waits for them. Unfinished deliveries are given back, without an
  ///         attempt.
  [[nodiscard]] task<> consume(std::string_view group, handler handle, consume_options how = {});
  /// Lets a group get no more deliveries, until resume(). Both outlive the process.
  [[nodiscard]] task<> pause(std::string_view group);
  [[nodiscard]] task<> resume(std::string_view group);
  /// Takes no more sends, and waits until no message is ready, delayed or leased. False if it was not so at
  /// the deadline. close() may follow.
  [[nodiscard]] task<bool> drain(loop_clock::time_point deadline);

  /// Makes dead letters ready again, with all their attempts, the first to fail first. A sender of how many.
  [[nodiscard]] task<std::size_t> redrive(std::string_view group, dead_letter_filter which = {});
  /// Removes dead letters for good. A sender of how many.
  [[nodiscard]] task<std::size_t> purge(std::string_view group, dead_letter_filter which = {});
  /// The messages of a group whose deliveries have all failed, the first to fail first.
  [[nodiscard]] task<std::vector<dead_letter>> dead_letters(std::string_view group) const;

  /// Gives back what was delivered and has no outcome, which costs no attempt, and gives up the directory.
  /// Waiting operations end with errc::queue_closed. A second close waits for the first one, and is no error.
  /// Cancel  ignored once it has begun.
  [[nodiscard]] task<> close();

  /// Cost  looks at each message.
  [[nodiscard]] task<queue_metrics> metrics() const;
  [[nodiscard]] const queue_recovery& recovery() const noexcept;
  /// Fails with std::logic_error unless each unfinished message is either ready, delayed, leased or dead, in
  /// each group. For tests.
  [[nodiscard]] task<> check() const;

  /// For libraries that keep a queue's messages elsewhere than in files.
  explicit queue(std::shared_ptr<detail::queue_engine> engine) noexcept;

 private:
  std::shared_ptr<detail::queue_engine> engine_;
};

}  // namespace braid::messaging
