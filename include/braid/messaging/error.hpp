#pragma once

#include <system_error>
#include <type_traits>

namespace braid::messaging {

/// Why messaging failed. Failures of the disk have their own codes, those of std::errc.
///
///     const auto done = co_await as_result(journal.append("paid"));
///     if (!done && done.error() == messaging::errc::log_stopped) log("the disk is broken");
enum class errc {
  log_closed = 1,      ///< close() was called, or the log was opened to be read only
  log_stopped,  ///< an earlier write or sync has failed, which suppressed() holds: no write is taken
  damaged_record,  ///< the disk has other bytes than were written; the message has the file and the offset
  unreadable_segment,  ///< a file of the log is missing, or cannot be read
  record_removed,  ///< the record was there, and was removed by a truncation or by retention
  queue_closed,  ///< close() was called, or the queue was destroyed
  queue_full,  ///< try_send: the queue holds as many messages or bytes as it may
  stale_token,  ///< the delivery's lease has ended, or it was acknowledged or given back already
  unknown_group,  ///< the queue has no group of this name, or none at all to send to
};

/// The category of errc, "messaging".
///
///     const std::error_code code = messaging::errc::log_closed;
///     use(code.category() == messaging::error_category(), code.message());
[[nodiscard]] const std::error_category& error_category() noexcept;
/// Makes an errc usable wherever a std::error_code is.
///
///     const std::error_code closed = messaging::errc::log_closed;  // calls make_error_code
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), error_category()};
}

}  // namespace braid::messaging

template <>
struct std::is_error_code_enum<braid::messaging::errc> : std::true_type {};
