#pragma once

#include <utility>

#include "braid/loop/descriptor.hpp"
#include "braid/net/detail/abort_outcome.hpp"
#include "braid/net/endpoint.hpp"
#include "braid/net/incoming_bytes.hpp"
#include "braid/net/stream_options.hpp"
#include "braid/net/stream_socket.hpp"

namespace braid::tcp {

/// A TCP connection. Data leaves at once: TCP_NODELAY is set, except on an adopted socket.
///
///     tcp::stream server = co_await tcp::connect(endpoint::loopback(8080));
///     co_await server.write_all("hello\n");
///     std::array<char, 512> answer;
///     const std::size_t got = co_await server.read_some(answer);  // 0 when the peer has closed
///     co_await server.close();
///
/// Lifetime, Threads, Errors, Cancel  as those of stream_socket.
class stream : public stream_socket {
 public:
  stream() = default;
  using splices = stream;  // for copy
  /// Adopts a connected socket.
  [[nodiscard]] static stream from_descriptor(int number) noexcept { return stream(descriptor(number)); }
  /// The endpoints of the two sides. Both throw std::system_error without a connection.
  [[nodiscard]] endpoint local_endpoint() const;
  [[nodiscard]] endpoint peer_endpoint() const;
  /// Sets the options that are not empty. Throws std::system_error for the first one that the system refuses;
  /// those before it are set.
  void set_options(const stream_options& options) const;

  /// All bytes that arrive, in buffers of the loop's, with one request to the kernel: while nothing arrives,
  /// no buffer is in use.
  /// Lifetime  the stream must outlive it and stay at its address.
  [[nodiscard]] tcp::incoming_bytes incoming_bytes() const { return tcp::incoming_bytes(*this); }

  /// Ends the connection so that the peer knows that it is cut short: cancels the operations in flight, waits
  /// until they have ended, drops what has not left, and resets the connection. The peer's operations fail
  /// with connection_reset. A sender of it that is never started
  /// closes the connection in order.
  /// Errors  bad_file_descriptor when it is closed already.
  /// Cancel  ignored.
  [[nodiscard]] auto abort() noexcept {
    request what{.code = opcode::cancel_descriptor, .descriptor = number()};
    return io_sender<detail::abort_outcome>{what, detail::abort_outcome(release())};
  }

 private:
  explicit stream(descriptor open) noexcept : stream_socket(std::move(open)) {}
};

}  // namespace braid::tcp
