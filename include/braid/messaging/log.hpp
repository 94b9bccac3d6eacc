#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "braid/base/result.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/messaging/durability.hpp"
#include "braid/messaging/error.hpp"
#include "braid/messaging/log_options.hpp"
#include "braid/messaging/log_recovery.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/task.hpp"

namespace braid::messaging {

namespace detail {
class log_core;
}  // namespace detail

/// An appended record, with its number.
///
///     const auto show = [](const messaging::log_record& each) { log(each.bytes); };
struct log_record {
  std::uint64_t sequence = 0;  ///< the first is 1
  std::string bytes;
  std::uint64_t segment = 0, offset = 0;  ///< where it stands: the number of its file, and the place there
};

/// A file of a log.
///
///     for (const messaging::log_segment& each : journal.segments()) log(each.file.string());
struct log_segment {
  std::filesystem::path file;
  std::uint64_t first = 0, last = 0;  ///< its records; none if first is greater than last
  std::uint64_t bytes = 0;
};

/// Counts of a log's work since it was opened.
///
///     const messaging::log_metrics now = journal.metrics();
///     use(now.appends / now.syncs);
struct log_metrics {
  std::uint64_t appends = 0;
  std::uint64_t bytes = 0;    ///< of the files, with the heads of the records
  std::uint64_t batches = 0;  ///< writes: appends that wait at the same time share one
  std::uint64_t syncs = 0;
};

/// Records in files, in the order in which they were appended: a journal that loses nothing it has accepted,
/// whatever ends the process or the machine.
///
///     messaging::log journal = co_await messaging::log::open("/tmp/journal");
///     const std::uint64_t at = co_await journal.append("paid 7");  // on the device now
///     auto all = journal.read(1);
///     while (auto each = co_await all.next()) log(each->value().bytes);
///     co_await journal.truncate_front(at);  // the records before are of no more use
///     co_await journal.close();
///
/// Appends that wait at the same time are written and synced together. docs/messaging.md has the format of
/// the files, and says what each failure leaves.
///
/// Lifetime  operations, and the sync of an interval, keep what they need: the log may be destroyed before
///           they have ended, and its directory is free once they have. Without close() the next open has to
///           write the end of the last file once more.
/// Threads   one loop's; others post to it. One log at a time has a directory, in all processes: otherwise
///           open fails with device_or_resource_busy.
/// Errors    when a sync has failed, or a write other than for want of room, the log takes no more writes:
///           errc::log_stopped, with the reason in suppressed(). The acknowledged records can still be read.
class log {
 public:
  log(log&&) = default;
  log& operator=(log&&) = default;
  ~log() = default;

  /// Opens the log in a directory, which is made if it is missing.
  /// Errors  device_or_resource_busy; errc::unreadable_segment; those of the file system.
  /// Cost    reads the last file; of the others only their names.
  [[nodiscard]] static task<log> open(std::filesystem::path directory, log_options how = {});

  /// Appends a record and waits until it is as durable as the options or `how` ask. A sender of its number.
  /// Lifetime  the bytes stay alive until it has ended.
  /// Errors    message_size; no_space_on_device: the record is not in the log, and later appends succeed once
  ///           there is room; errc::log_stopped, also when the sync lacked room; log_closed. An append whose
  ///           own write or sync has failed otherwise may be in the log when it is opened the next time.
  /// Cancel    ends at once. If its write had not begun, it is not in the log; else it will be.
  [[nodiscard]] task<std::uint64_t> append(readable_bytes bytes);
  [[nodiscard]] task<std::uint64_t> append(readable_bytes bytes, messaging::durability how);
  /// Waits until all that has been appended so far is durable.
  [[nodiscard]] task<> sync();

  /// The records from this one on, up to the last acknowledged one, as an async_range. A damaged record is an
  /// element with an error, errc::damaged_record, that names the file and the offset; the next element is the
  /// next record.
  /// Errors  of next(): errc::record_removed, errc::unreadable_segment, those of read(2).
  [[nodiscard]] async_generator<result<log_record>> read(std::uint64_t from) const;
  /// As read, and then waits for further ones, until the log is closed.
  [[nodiscard]] async_generator<result<log_record>> follow(std::uint64_t from) const;

  /// Removes the files that hold only records before this one. The others stay readable.
  [[nodiscard]] task<> truncate_front(std::uint64_t sequence);
  /// Removes this record and all behind it; the next append gets this number.
  [[nodiscard]] task<> truncate_back(std::uint64_t sequence);

  /// Syncs what was appended, says so in the file, and gives up the directory.
  /// A second close waits for the first one, and is no error.
  /// Errors  errc::log_stopped; then it is closed, too.
  /// Cancel  ignored once it has begun.
  [[nodiscard]] task<> close();

  /// The first record that can be read, and the last acknowledged one. first is last + 1 if there is none.
  [[nodiscard]] std::uint64_t first() const noexcept;
  [[nodiscard]] std::uint64_t last() const noexcept;
  /// The last record that is known to be durable.
  [[nodiscard]] std::uint64_t durable() const noexcept;
  [[nodiscard]] const log_recovery& recovery() const noexcept;
  [[nodiscard]] std::vector<log_segment> segments() const;
  [[nodiscard]] const log_metrics& metrics() const noexcept;

 private:
  explicit log(std::shared_ptr<detail::log_core> core) noexcept;
  std::shared_ptr<detail::log_core> core_;
};

}  // namespace braid::messaging
