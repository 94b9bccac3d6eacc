#pragma once

#include <sys/socket.h>

#include <memory>
#include <utility>

#include "braid/core/just.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/net/detail/accept_outcome.hpp"
#include "braid/net/detail/arrivals.hpp"
#include "braid/net/detail/served.hpp"
#include "braid/net/detail/socket_file.hpp"
#include "braid/net/detail/unix_outcomes.hpp"
#include "braid/net/unix_address.hpp"
#include "braid/net/unix_stream.hpp"

/// Sockets between the processes of one machine. A simulated world has none: every call that makes one fails
/// with operation_not_supported there.
namespace braid::unix_domain {

/// How listen makes a listener.
///
///     const unix_domain::listen_options again{.replace_stale = true};
///     const unix_domain::listener door = unix_domain::listen_now("/run/app.sock", again);
struct listen_options {
  int backlog = SOMAXCONN;  ///< connections that wait for an accept; the system's limit is net.core.somaxconn
  /// A crashed process leaves its socket's file behind, and then listen fails with address_in_use. This
  /// removes the file first, provided that it is a socket's and nothing listens there. Of two processes that
  /// do so at the same moment, the later one gets the path.
  bool replace_stale = false;
};

class listener;

/// The connections that arrive at a listener. Returned by listener::incoming(); see tcp::incoming.
///
///     unix_domain::incoming clients = local_door.incoming();
///     for (;;) detach(serve_local(co_await clients.next()));
class incoming {
 public:
  explicit incoming(const listener& at);
  /// The next connection. Several next operations may wait at once: first come, first served.
  /// Errors  those of listener::accept; the next call tries again.
  /// Cancel  loses no connection.
  [[nodiscard]] auto next() noexcept {
    return braid::detail::arrival_sender<detail::accepted>{arrivals_.get(), {}};
  }

 private:
  braid::detail::arrivals_ptr arrivals_;
};

/// A Unix-domain socket that accepts connections. Its file is removed when it is closed, unless another file
/// has taken the place. A relative path is looked up in the working directory of that moment.
///
///     unix_domain::listener door = co_await unix_domain::listen("/run/app.sock");
///     const unix_domain::stream client = co_await door.accept();
///     co_await door.close();
///
/// Lifetime  the destructor closes it without waiting, as descriptor's does; close() waits.
/// Threads   its operations run on the current loop; on one loop at a time.
class listener {
 public:
  listener() = default;
  /// Adopts a listening socket. Its file stays.
  [[nodiscard]] static listener from_descriptor(int number) noexcept { return {descriptor(number), {}}; }
  /// The descriptor's number; -1 when the listener is closed.
  [[nodiscard]] int number() const noexcept { return descriptor_.number(); }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_.is_open(); }
  /// Where it listens. Throws std::system_error when it is closed.
  [[nodiscard]] address local_address() const;

  /// The next connection. Several accepts may be in flight.
  [[nodiscard]] auto accept() const noexcept {
    const request what{.code = opcode::accept, .descriptor = number(), .flags = SOCK_CLOEXEC};
    return io_sender<braid::detail::accept_outcome<detail::accepted>>{what, {}};
  }
  /// All connections, one after the other, with one request to the kernel. For a server's accept loop.
  /// Lifetime  the listener must outlive it and stay at its address.
  [[nodiscard]] unix_domain::incoming incoming() const { return unix_domain::incoming(*this); }
  /// Removes its file, cancels the operations in flight on the socket, waits until they have ended, then
  /// closes it.
  [[nodiscard]] auto close() noexcept {
    file_.remove();
    return descriptor_.close();
  }

  // The count of accept loops and connections on this listener. graceful_shutdown waits for them.
  [[nodiscard]] const std::shared_ptr<braid::detail::served>& served() const {
    if (served_ == nullptr) served_ = std::make_shared<braid::detail::served>();
    return served_;
  }

 private:
  friend class unix_domain::incoming;
  friend listener listen_now(const address& at, const listen_options& how);
  listener(descriptor open, detail::socket_file file) noexcept
      : descriptor_(std::move(open)), file_(std::move(file)) {}

  descriptor descriptor_;
  detail::socket_file file_;
  mutable std::shared_ptr<braid::detail::served> served_{};  // made when it is asked for
};

/// Listens at an address. Throws std::system_error.
///
///     const unix_domain::listener door = unix_domain::listen_now("/run/app.sock", {.replace_stale = true});
[[nodiscard]] listener listen_now(const address& at, const listen_options& how = {});

/// listen_now as a sender of listener, which completes at once. Its errors arrive as those of any operation.
///
///     const auto door = co_await unix_domain::listen(unix_domain::address::abstract("app"));
[[nodiscard]] inline auto listen(const address& at, const listen_options& how = {}) {
  return just_from([at, how] { return listen_now(at, how); });
}

/// Connects to an address. A sender of stream. While the listener's backlog is full, it waits.
///
///     const unix_domain::stream server = co_await unix_domain::connect("/run/app.sock");
///
/// Errors  no_such_file_or_directory; connection_refused when nothing listens there; permission_denied. The
///         address is in the message.
/// Cancel  closes the socket; nothing is left behind.
[[nodiscard]] inline auto connect(const address& to) {
  return io_sender<detail::connect_outcome>{{.code = opcode::connect}, {to}};
}

}  // namespace braid::unix_domain
