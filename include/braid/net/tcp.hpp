#pragma once

#include <sys/socket.h>

#include <memory>
#include <utility>

#include "braid/core/just.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/net/detail/accept_outcome.hpp"
#include "braid/net/detail/accepted.hpp"
#include "braid/net/detail/served.hpp"
#include "braid/net/detail/tcp_outcomes.hpp"
#include "braid/net/endpoint.hpp"
#include "braid/net/incoming.hpp"
#include "braid/net/stream.hpp"
#include "braid/net/stream_options.hpp"

namespace braid::tcp {

/// How listen makes a listener, and the connections that it accepts.
///
///     const tcp::listen_options one_of_many{.backlog = 4096, .reuse_port = true};
///     const tcp::listener door = tcp::listen_now(endpoint("::", 8080), one_of_many);
struct listen_options {
  int backlog = SOMAXCONN;  ///< connections that wait for an accept; the system's limit is net.core.somaxconn
  /// Several listeners, of one user's processes or loops, may have this endpoint; the system spreads the
  /// connections over them.
  bool reuse_port = false;
  /// A listener at :: accepts only IPv6. Otherwise it accepts IPv4 too, from peers with IPv4-mapped
  /// addresses; see endpoint::unmapped.
  bool v6_only = false;
  /// How many connections may be in a handshake that brings data along; 0: none. Such data may arrive twice.
  /// Where net.ipv4.tcp_fastopen forbids it, all handshakes are the usual ones.
  int fast_open = 0;
  stream_options stream{};  ///< of each connection
};

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
    return io_sender<braid::detail::accept_outcome<detail::accepted>>{what, {accepted_}};
  }
  /// All connections, one after the other, with one request to the kernel. For a server's accept loop.
  /// Lifetime  the listener must outlive it and stay at its address.
  [[nodiscard]] tcp::incoming incoming() const { return tcp::incoming(*this); }
  /// Cancels the operations in flight on the socket, waits until they have ended, then closes it.
  [[nodiscard]] auto close() noexcept { return descriptor_.close(); }

  // The count of accept loops and connections on this listener. graceful_shutdown waits for them.
  [[nodiscard]] const std::shared_ptr<braid::detail::served>& served() const {
    if (served_ == nullptr) served_ = std::make_shared<braid::detail::served>();
    return served_;
  }

 private:
  friend class tcp::incoming;
  friend listener listen_now(const endpoint& at, const listen_options& how);
  explicit listener(descriptor open, detail::accepted how = {}) noexcept
      : descriptor_(std::move(open)), accepted_(how) {}

  descriptor descriptor_;
  detail::accepted accepted_;
  mutable std::shared_ptr<braid::detail::served> served_{};  // made when it is asked for
};

/// Listens at an endpoint, with SO_REUSEADDR. With port 0 the system chooses the port. Throws
/// std::system_error, which names an option that the system refuses.
///
///     const tcp::listener door = tcp::listen_now(endpoint("0.0.0.0", 8080));
[[nodiscard]] listener listen_now(const endpoint& at, const listen_options& how = {});

/// listen_now as a sender of listener, which completes at once. Its errors arrive as those of any operation.
///
///     const tcp::listener door = co_await tcp::listen(endpoint("::", 8080), {.v6_only = true});
[[nodiscard]] inline auto listen(const endpoint& at, const listen_options& how = {}) {
  return just_from([at, how] { return listen_now(at, how); });
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
/// The same with options, which are set before it connects. An option that the system refuses is an error
/// that names it.
///
///     const tcp::stream_options patient{.keep_alive = {{.idle = 30s}}, .user_timeout = 1min};
///     const tcp::stream server = co_await tcp::connect(endpoint::loopback(8080), patient);
[[nodiscard]] inline auto connect(const endpoint& to, const stream_options& how) {
  return io_sender<detail::connect_with_outcome>{{.code = opcode::connect}, {{to}, how}};
}

}  // namespace braid::tcp
