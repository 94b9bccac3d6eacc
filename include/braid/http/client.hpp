#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/base/unique_function.hpp"
#include "braid/http/request.hpp"
#include "braid/http/url.hpp"
#include "braid/loop/clock.hpp"
#include "braid/net/any_stream.hpp"
#include "braid/style/task.hpp"

namespace braid::http {

namespace detail {
class client_pool;
}  // namespace detail

/// The limits and deadlines of a client.
///
///     http::client_options how;
///     how.connections_per_host = 4;
///     how.redirects = 0;  // fetch then completes with the redirect itself
struct client_options {
  std::size_t connections = 1000;  ///< in use at a time; further requests wait
  std::size_t connections_per_host = 100;
  std::size_t idle_connections = 100;  ///< that are kept for later requests
  loop_clock::duration idle =
      std::chrono::seconds(30);  ///< an idle one that is older is closed at its next use
  loop_clock::duration connect = std::chrono::seconds(10);  ///< for one connection
  loop_clock::duration answer = std::chrono::minutes(1);  ///< from the request's end to the response's head
  loop_clock::duration stall =
      std::chrono::seconds(30);  ///< for the next piece of a body, in both directions
  /// Before a body that is streamed, or longer than 16 KiB, it asks the server by "Expect: 100-continue", and
  /// waits so long for an answer. A server that refuses does not get the body. 0: it does not ask.
  loop_clock::duration await_continue{};
  std::size_t head = 64 << 10;  ///< bytes of a response's head
  std::size_t fields = 200;
  int redirects = 10;  ///< that are followed
  bool hands_on_deadlines = true;  ///< sends what is left of current_deadline() as request-timeout-ms
  /// Makes a connection: for TLS, or over another kind of stream. By default tcp::connect, for http alone.
  unique_function<task<any_stream>(url)> connects{};
};

/// Sends requests over connections that it keeps.
///
///     http::client web;
///     http::response page = co_await web.fetch(http::request("GET", "http://example.org/"));
///     if (page.status == 200) log(co_await page.body.text(1 << 20));
///
/// fetch completes when the head of the response is there; the body arrives as it is read. Read it to its
/// end, so that its connection serves another request; a body that is dropped earlier closes it.
///
/// A request is sent again only if that is safe: an idle connection turned out to be closed before anything
/// of a response arrived, the method is idempotent (GET, HEAD, PUT, DELETE, OPTIONS, TRACE), and the body is
/// a string. An idle connection is tested before it is used again: one that the server has closed, or on
/// which it has sent what nobody asked for, is not used. A redirect (301, 302, 303, 307, 308) is followed by
/// the rules of RFC 9110, unless it wants a streamed body again, which is gone: then fetch completes with it.
/// To another origin it takes no Authorization and no Cookie along.
///
/// Lifetime  outlives its fetches, but not the bodies that they give.
/// Threads   one loop's.
/// Errors    those of resolve, connect and the stream; std::errc::timed_out with timeout_category() for its
///           deadlines; errc::end_of_stream if the server ends the connection early; std::errc::bad_message
///           for a response that is no HTTP. A status is no error, 404 and 500 included.
/// Cancel    closes the request's connection. The server may have received the request.
class client : pinned {
 public:
  explicit client(client_options how = {});
  ~client();

  /// Sends a request whose target is a URL.
  [[nodiscard]] task<response> fetch(request asked);

  /// How many connections are kept for later requests.
  [[nodiscard]] std::size_t idle_connections() const noexcept;

 private:
  const std::shared_ptr<detail::client_pool> pool_;
};

/// Sends one request over a connection of its own, as a client would that does nothing else. A program that
/// sends more than one request to a host wants a client, which keeps connections.
///
///     const http::response page = co_await http::fetch(http::request("GET", "http://example.org/"));
///
/// Lifetime, Errors, Cancel  as those of client::fetch. The connection is closed once the body has been read
///                           or dropped.
[[nodiscard]] task<response> fetch(request asked);
[[nodiscard]] task<response> fetch(request asked, client_options how);

}  // namespace braid::http
