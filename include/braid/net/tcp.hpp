#pragma once

#include <sys/socket.h>

#include <utility>

#include "braid/core/just.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/net/detail/tcp_outcomes.hpp"
#include "braid/net/endpoint.hpp"
#include "braid/net/incoming.hpp"
#include "braid/net/stream.hpp"

namespace braid::tcp {

/// A socket that accepts connections.
///
///     const tcp::listener door = tcp::listen_now(endpoint::loopback());
///     log(door.local_endpoint().to_string());  // with the port that the system chose
///     auto clients = door.incoming();
///     for (;;) detach(serve(co_await clients.next()));
///
/// Lifetime  the destructor closes it without waiting, as descriptor's does; close() waits.
/// Threads   its operations run on the current loop; on one loop at a time.
class listener {
 public:
  listener() = default;
  /// Adopts a listening socket.
  [[nodiscard]] static listener from_descriptor(int number) noexcept { return listener(descriptor(number)); }
  /// The descriptor's number; -1 when the listener is closed.
  [[nodiscard]] int number() const noexcept { return descriptor_.number(); }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_.is_open(); }
  /// Where it listens, with the port that the system chose. Throws std::system_error when it is closed.
  [[nodiscard]] endpoint local_endpoint() const;

  /// The next connection. Several accepts may be in flight.
  [[nodiscard]] auto accept() const noexcept {
    request what{.code = opcode::accept, .descriptor = number(), .flags = SOCK_CLOEXEC};
    return io_sender<detail::accept_outcome>{what, {}};
  }
  /// All connections, one after the other, with one request to the kernel. For a server's accept loop.
  /// Lifetime  the listener must outlive it and stay at its address.
  [[nodiscard]] tcp::incoming incoming() const { return tcp::incoming(*this); }
  /// Cancels the operations in flight on the socket, waits until they have ended, then closes it.
  [[nodiscard]] auto close() noexcept { return descriptor_.close(); }

 private:
  explicit listener(descriptor open) noexcept : descriptor_(std::move(open)) {}
  descriptor descriptor_;
};

/// Listens at an endpoint, with SO_REUSEADDR. With port 0 the system chooses the port. Throws
/// std::system_error.
///
///     const tcp::listener door = tcp::listen_now(endpoint("0.0.0.0", 8080));
[[nodiscard]] listener listen_now(const endpoint& at, int backlog = SOMAXCONN);

/// listen_now as a sender of listener, which completes at once. Its errors arrive as those of any operation.
///
///     const tcp::listener door = co_await tcp::listen(endpoint("0.0.0.0", 8080));
[[nodiscard]] inline auto listen(const endpoint& at, int backlog = SOMAXCONN) {
  return just_from([at, backlog] { return listen_now(at, backlog); });
}

/// Connects to an endpoint. A sender of stream.
///
///     const tcp::stream server = co_await with_timeout(tcp::connect(endpoint::loopback(8080)), 3s);
///
/// Errors  connection_refused and the others of connect(2), with the endpoint in the message.
/// Cancel  closes the socket; nothing is left behind.
[[nodiscard]] inline auto connect(const endpoint& to) {
  return io_sender<detail::connect_outcome>{{.code = opcode::connect}, {to}};
}

}  // namespace braid::tcp
