#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "braid/loop/bytes.hpp"
#include "braid/loop/clock.hpp"

namespace braid::messaging {

/// How a queue is opened. The defaults suit most programs.
///
///     const messaging::queue_options small{.most_messages = 10'000, .most_bytes = 64 << 20};
///     messaging::queue jobs = co_await messaging::queue::open("/tmp/jobs", small);
struct queue_options {
  /// The bound of messages that are not finished, dead letters among them, and of their bodies' bytes. A send
  /// waits where it would exceed them.
  std::size_t most_messages = 1'000'000;
  std::size_t most_bytes = std::size_t{4} << 30;
  std::size_t most_message_bytes = 8 << 20;  ///< a longer one fails with message_size
  std::uint64_t segment_bytes = 64 << 20;  ///< of the files
  /// How long an idempotency key is remembered after its message was sent.
  loop_clock::duration idempotency_window = std::chrono::minutes(10);
  /// The time of day, which times that outlive the process are kept in. A test may give its own.
  std::chrono::system_clock::time_point (*time_of_day)() noexcept = nullptr;
};

/// How the messages of a group are delivered.
///
///     const messaging::group_options how{.attempts = 3, .lease = 1min};
///     co_await jobs.make_group("thumbnails", how);
struct group_options {
  int attempts = 5;  ///< so many deliveries without success make a message a dead letter
  loop_clock::duration lease =
      std::chrono::seconds(30);  ///< how long a delivery has before it counts as failed
  int key_limit = 1;  ///< so many messages of a key may be delivered at a time; 1 keeps their order
  friend bool operator==(const group_options&, const group_options&) = default;
};

/// How a message is sent.
///
///     const messaging::send_options how{.key = "user 12", .delay = 5s};
///     co_await jobs.send("resize 7", how);  // or in place
///
/// Lifetime  the texts stay alive until the send has ended.
struct send_options {
  /// Messages of one key are delivered in the order in which they were sent, the next one once the one before
  /// is finished. Messages without a key have no order.
  std::string_view key{};
  loop_clock::duration delay{};  ///< the message is not delivered earlier
  int priority = 0;  ///< 0 to 9: the highest first, but a lower one is not left waiting for good
  /// A second send with the same idempotency key, within the queue's window, sends nothing and completes with
  /// the number of the first message.
  std::string_view idempotency_key{};
};
// g++ 12 copies an aggregate that is written in place inside a co_await expression byte by byte.
static_assert(std::is_trivially_copyable_v<send_options> && std::is_trivially_copyable_v<group_options>);

/// A message for queue::send_all.
///
///     const messaging::outgoing two[] = {{"debit 7", {.key = "a"}}, {"credit 7", {.key = "b"}}};
///     co_await jobs.send_all(two);
struct outgoing {
  readable_bytes body;
  send_options how{};
};

}  // namespace braid::messaging
