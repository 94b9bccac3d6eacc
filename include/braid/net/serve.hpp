#pragma once

#include <utility>

#include "braid/net/detail/server.hpp"
#include "braid/net/serve_options.hpp"
#include "braid/net/stream.hpp"
#include "braid/net/tcp.hpp"
#include "braid/net/unix_domain.hpp"
#include "braid/net/unix_stream.hpp"
#include "braid/style/task.hpp"

namespace braid::tcp {

/// Accepts the connections of a listener and runs handler(stream) for each, as a child of its own scope.
///
///     task<> answer(tcp::stream client) { co_await client.write_all("hello\n"); }
///
///     const tcp::listener door = tcp::listen_now(endpoint::loopback(8080));
///     co_await tcp::serve(door, answer);  // until it is stopped or the listener is closed
///
/// A handler that fails ends its own connection, and on_error gets the error. When the process or the system
/// has no descriptor left, on_error gets that error once, and new clients are turned away, or kept waiting
/// until a descriptor is free: the server goes on.
///
/// If the listener is closed, serve accepts no more, and completes when all handlers have ended. A handler
/// that takes a stop_token after the stream gets one of which stop is requested when graceful_shutdown
/// begins: so a connection that waits for its next request can end, and one that is at work goes on.
///
///     task<> answer_all(tcp::stream client, stop_token closing) {
///       std::string request(64, ' ');
///       while (!closing.stop_requested()) {
///         co_await with_stop_token(client.read_exactly(request), closing);  // ends when the server closes
///         co_await client.write_all("hello\n");
///       }
///     }
///
/// Lifetime  the listener outlives it; handler is kept until the end.
/// Threads   one loop's.
/// Errors    those of accept(2) that concern the listener; std::invalid_argument if at_most is 0. An
///           exception of on_error ends the server.
/// Cancel    stops all handlers and waits for them; so does the deadline of graceful_shutdown.
/// Cost      one request for all connections; for each 72 bytes of the frame pool, beside the handler's own.
template <braid::detail::handles<stream> Handler>
[[nodiscard]] task<> serve(const listener& at, Handler handler, serve_options how = {}) {
  return braid::detail::serve_all<stream>("tcp::serve", at, std::move(handler), std::move(how));
}

}  // namespace braid::tcp

namespace braid::unix_domain {

/// Like tcp::serve, for connections within this machine.
///
///     task<> greet(unix_domain::stream client) { co_await client.write_all("hello\n"); }
///
///     const unix_domain::listener door = unix_domain::listen_now("/run/app.sock", {.replace_stale = true});
///     co_await unix_domain::serve(door, greet);
template <braid::detail::handles<stream> Handler>
[[nodiscard]] task<> serve(const listener& at, Handler handler, serve_options how = {}) {
  return braid::detail::serve_all<stream>("unix_domain::serve", at, std::move(handler), std::move(how));
}

}  // namespace braid::unix_domain
