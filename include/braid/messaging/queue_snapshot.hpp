#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/messaging/error.hpp"
#include "braid/messaging/queue_metrics.hpp"
#include "braid/style/task.hpp"

namespace braid::messaging {

namespace detail {
class queue_core;
}  // namespace detail

/// Where a message stands in a group.
///
///     const auto is_waiting = [](messaging::message_state now) {
///       return now == messaging::message_state::ready || now == messaging::message_state::delayed;
///     };
enum class message_state : std::uint8_t {
  ready,  ///< it can be delivered, once those of its key before it are finished
  delayed,  ///< it is not delivered before its time
  leased,  ///< it was delivered, and the delivery has no outcome yet
  dead,  ///< its deliveries have all failed
};

/// An unfinished message, as it is in one group.
///
///     const auto show = [](const messaging::queued_message& each) { log(each.key); };
struct queued_message {
  std::uint64_t id = 0;
  std::string key;
  int priority = 0;
  std::size_t bytes = 0;  ///< of its body
  std::chrono::system_clock::time_point sent_at{};
  message_state state = message_state::ready;
  std::optional<std::chrono::system_clock::time_point> due{};  ///< of a delayed one
  std::uint32_t attempts = 0;
  std::uint32_t recoveries = 0;  ///< attempts that ended with their process
  std::vector<failed_delivery> failures;  ///< the last 20
};

/// Which messages queue_snapshot::messages gives: those that all of its fields ask for.
///
///     const auto now = co_await messaging::queue_snapshot::open("/tmp/jobs");
///     const messaging::message_filter these{.state = messaging::message_state::dead, .at_most = 100};
///     const auto dead = now.messages("thumbnails", these);
struct message_filter {
  std::uint64_t id = 0;  ///< this message only, unless it is 0
  std::optional<message_state> state{};
  std::string_view key{};  ///< messages of this key only, unless it is empty
  std::size_t at_most = ~std::size_t{0};
};

/// What the files of a queue say, also while another process works with it.
///
///     const auto now = co_await messaging::queue_snapshot::open("/tmp/jobs");
///     for (const messaging::group_metrics& each : now.metrics().groups)
///       for (const messaging::queued_message& one : now.messages(each.name)) {
///         const std::string body = co_await now.body(one.id);
///         log(each.name + ": " + body);
///       }
///
/// Opening it takes no lock and changes nothing. It shows what was durable then, and perhaps more that was
/// written. A delivery that has no outcome is leased; the files do not say when a lease ends, nor whether
/// the process that had it still runs.
///
/// Threads  one loop's.
class queue_snapshot {
 public:
  queue_snapshot(queue_snapshot&&) noexcept = default;
  queue_snapshot& operator=(queue_snapshot&&) noexcept = default;
  ~queue_snapshot() = default;

  /// Reads all files of the queue in a directory.
  /// Errors  those of the file system; errc::unreadable_segment. Damage is no error: recovery() reports it.
  ///         The end of an append that is being written is no damage.
  [[nodiscard]] static task<queue_snapshot> open(std::filesystem::path directory);

  /// The state of the queue and of its groups. What a queue counts since it was opened is 0.
  [[nodiscard]] queue_metrics metrics() const;
  /// The unfinished messages of a group, in the order in which they were sent.
  /// Errors  errc::unknown_group.
  [[nodiscard]] std::vector<queued_message> messages(std::string_view group, message_filter which = {}) const;
  /// The bytes of a message.
  /// Errors  errc::record_removed when the queue's process has removed its file meanwhile: a new snapshot
  ///         shows whether the message is finished. errc::damaged_record; invalid_argument for a number that
  ///         no message has.
  [[nodiscard]] task<std::string> body(std::uint64_t id) const;
  [[nodiscard]] const queue_recovery& recovery() const noexcept;

 private:
  explicit queue_snapshot(std::shared_ptr<detail::queue_core> core) noexcept;
  std::shared_ptr<detail::queue_core> core_;
};

}  // namespace braid::messaging
