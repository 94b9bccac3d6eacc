#pragma once

#include "braid/net/detail/accepted.hpp"
#include "braid/net/detail/arrivals.hpp"

namespace braid::tcp {

class listener;

/// The connections that arrive at a listener. Returned by listener::incoming().
///
///     const tcp::listener door = tcp::listen_now(endpoint::loopback(8080));
///     tcp::incoming clients(door);  // the same as door.incoming()
///     for (;;) detach(serve(co_await clients.next()));
///
/// Lifetime  the listener must outlive it and stay at its address; it must outlive the senders of next. Its
///           destructor cancels the request without waiting, closes the connections that no next has
///           received, and ends the pending next operations as cancelled.
/// Threads   one loop's: that of its first next.
/// Cost      one request for all connections, where accept needs one for each. A next that must wait begins
///           the request, which stays in flight until 64 connections are held ahead of next; further ones
///           stay in the kernel's backlog. loop::run() does not return while the request is in flight.
/// Source    io_uring_prep_multishot_accept(3).
class incoming {
 public:
  explicit incoming(const listener& at);

  /// The next connection. Several next operations may wait at once: first come, first served.
  /// Errors  those of listener::accept; the next call tries again.
  /// Cancel  loses no connection.
  [[nodiscard]] auto next() noexcept {
    return braid::detail::arrival_sender<detail::accepted>{arrivals_.get(), accepted_};
  }

 private:
  braid::detail::arrivals_ptr arrivals_;
  detail::accepted accepted_;
};

}  // namespace braid::tcp
