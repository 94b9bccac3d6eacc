#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

namespace braid::tcp {

/// When the system asks a silent peer whether it is still there. If the peer does not answer, operations of
/// the connection fail with timed_out.
///
///     const tcp::keep_alive_options eager{.idle = 30s, .interval = 5s, .count = 3};
struct keep_alive_options {
  std::chrono::seconds idle = std::chrono::hours(2);  ///< silence before the first question; 0s: never ask
  std::chrono::seconds interval{75};  ///< between two questions
  int count = 9;  ///< questions without an answer before the connection ends
};

/// The options of a connection. One that is empty leaves the connection as it is.
///
///     const tcp::stream_options patient{.keep_alive = {{.idle = 30s}}, .user_timeout = 1min};
///     const tcp::stream server = co_await tcp::connect(endpoint::loopback(8080), patient);
///     server.set_options({.send_buffer = 1 << 20});
///
/// Errors  an option that the system refuses is an error that names it.
/// Source  tcp(7), socket(7).
struct stream_options {
  /// Data leaves at once (true, as in a new connection), or waits until it fills a segment or everything that
  /// was sent before is acknowledged.
  std::optional<bool> no_delay{};
  std::optional<keep_alive_options> keep_alive{};
  /// How long sent data may stay unacknowledged before the connection fails with timed_out. 0ms: as long as
  /// the system tries.
  std::optional<std::chrono::milliseconds> user_timeout{};
  /// 0s: close drops the data that have not left and resets the connection. Another time is refused, since
  /// such a close would hold up its loop; write, shutdown_send and read the end instead.
  std::optional<std::chrono::seconds> linger{};
  /// In bytes. The system may give more, or less: net.core.wmem_max and rmem_max are its limits. A size that
  /// was set is no longer adjusted to the connection.
  std::optional<std::size_t> send_buffer{};
  std::optional<std::size_t> receive_buffer{};
};

}  // namespace braid::tcp
