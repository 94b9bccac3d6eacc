#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/http/router.hpp"
#include "braid/http/server_options.hpp"
#include "braid/net/any_stream.hpp"
#include "braid/net/endpoint.hpp"
#include "braid/net/tcp.hpp"
#include "braid/style/task.hpp"

namespace braid::http {

namespace detail {
class server_core;
}  // namespace detail

/// What a server does now and has done.
///
///     http::server pages([](http::request&) -> task<http::response> { co_return http::response(200); });
///     const http::server_metrics now = pages.metrics();
///     log(std::to_string(now.requests));
struct server_metrics {
  std::size_t connections = 0;  ///< open now
  std::size_t running = 0, waiting = 0;  ///< requests now
  std::uint64_t requests = 0;  ///< whose head was read
  std::uint64_t refused = 0;  ///< connections and requests that got 503
};

/// Answers HTTP/1.1 and HTTP/1.0 over connections of any kind: tcp::stream, or one with TLS. For a listener
/// http::serve is shorter.
///
///     http::router routes;
///     http::server pages(std::move(routes));
///     const auto over_tcp = [&](tcp::stream client) { return pages.serve(std::move(client)); };
///     const tcp::listener door = tcp::listen_now(endpoint::loopback(8080));
///     co_await tcp::serve(door, over_tcp);
///
/// Each connection has one handler at a time; requests that are pipelined wait, and their short responses are
/// sent together. What a handler leaves of a request's body is read and dropped, up to 64 KiB; beyond that
/// the connection ends behind the response.
///
/// Lifetime  outlives its connections.
/// Threads   one loop's.
/// Errors    a handler that throws is answered with 500, and on_error gets the error; a status_error with its
///           status, without a report. If a streamed response fails in the middle, its connection ends
///           without the last chunk, so that the client notices.
/// Cost      no allocation for a small request and response but the handler's own; one write for a response
///           with a body of up to 16 KiB.
class server : pinned {
 public:
  explicit server(handler answer, server_options how = {});
  ~server();

  /// Serves a connection until it ends. Its requests have the client's endpoint, if it is given here.
  /// Errors  none of the connection: a client that goes away is no error.
  /// Cancel  stops the handler and closes the connection.
  [[nodiscard]] task<> serve(any_stream client, std::optional<endpoint> peer = std::nullopt);
  /// From now on connections end behind their response, and those between two requests at once. A new one has
  /// deadlines.linger for its first request.
  void request_shutdown() noexcept;
  [[nodiscard]] server_metrics metrics() const noexcept;

 private:
  friend task<> serve(const tcp::listener& at, handler answer, server_options how);
  const std::unique_ptr<detail::server_core> core_;
};

/// Accepts the connections of a listener, and answers their requests.
///
///     task<http::response> hello(http::request& asked) {
///       co_return http::response(200, "hello, " + std::string(asked.parameter("name")));
///     }
///
///     http::router routes;
///     routes.get("/hello/{name}", hello);
///     const tcp::listener door = tcp::listen_now(endpoint::loopback(8080));
///     co_await http::serve(door, std::move(routes));  // until it is stopped or the listener is closed
///
/// A client that goes away stops its handler. Every limit and deadline has its status: server_options.
///
/// Lifetime  the listener outlives it.
/// Threads   one loop's.
/// Errors    those of tcp::serve.
/// Cancel    stops all handlers and waits for them. To let requests end, use graceful_shutdown: then
///           connections end behind their response, and idle ones at once. If only the listener is closed,
///           idle ones end when their deadline is over.
[[nodiscard]] task<> serve(const tcp::listener& at, handler answer, server_options how = {});

}  // namespace braid::http
