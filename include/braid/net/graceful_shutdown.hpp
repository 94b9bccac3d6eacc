#pragma once

#include <chrono>
#include <cstddef>

#include "braid/combine/scope.hpp"
#include "braid/loop/clock.hpp"
#include "braid/net/tcp.hpp"
#include "braid/net/unix_domain.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// How the connections of a server ended.
///
///     const auto how = shutdown_report{.finished = 7};
///     log(how.cut == 0 ? "all have finished" : "some were cut");
struct shutdown_report {
  std::size_t finished = 0;  ///< connections whose handlers ended by themselves after the shutdown had begun
  std::size_t cut = 0;  ///< those whose handlers still ran at the deadline, and were stopped
};

/// Ends a server that a serve runs in the scope `all`: closes the listener, lets the handlers of the open
/// connections finish, and stops those that still run at the deadline. Completes once no handler runs.
///
///     tcp::listener door = tcp::listen_now(endpoint::loopback(8080));
///     signal_set stop{SIGINT, SIGTERM};
///     const auto run_server = [&](scope& all) -> task<> {
///       all.spawn(tcp::serve(door, serve));
///       co_await stop.next();
///       const shutdown_report how = co_await graceful_shutdown(door, all, 10s);
///       log(std::to_string(how.cut) + " connections were cut");
///     };
///     co_await with_scope(run_server);
///
/// A handler learns that the shutdown has begun from the token that serve gives it; a connection that is kept
/// open between requests ends then. Connections that the listener had accepted are still served; those that
/// wait in the system's backlog are reset, as they are by any close of a listener. Once no handler runs, stop
/// of the whole scope is requested, with stop_reason::shut_down, so that it ends with the server. What comes
/// after the shutdown belongs behind with_scope, since all that the scope's function still awaits is
/// cancelled.
///
/// Lifetime  the listener and the scope outlive it.
/// Threads   the listener's loop.
/// Errors    those of close(2), once no handler runs; a listener that is closed already is no error.
/// Cancel    is the deadline: it stops the handlers and completes with the report. So a second signal cuts
///           the wait short: with_stop_token, or a when_any with stop.next().
/// Cost      a timer and a coroutine. A handler that ignores its stop request, as in shield, is waited for
///           beyond the deadline.
[[nodiscard]] task<shutdown_report> graceful_shutdown(tcp::listener& at, scope& all,
                                                      loop_clock::time_point deadline);
[[nodiscard]] task<shutdown_report> graceful_shutdown(unix_domain::listener& at, scope& all,
                                                      loop_clock::time_point deadline);
template <class Listener, class Rep, class Period>
[[nodiscard]] task<shutdown_report> graceful_shutdown(Listener& at, scope& all,
                                                      std::chrono::duration<Rep, Period> deadline) {
  return graceful_shutdown(at, all, loop_clock::after(deadline));
}

}  // namespace braid
