#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "braid/http/request.hpp"
#include "braid/loop/clock.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/async_range.hpp"

namespace braid::http {

/// One event of a stream that a browser's EventSource reads.
///
///     http::event news("page 7\nhas changed");
///     news.id = "42";  // a client that connects again sends it as last-event-id
class event {
 public:
  event(std::string its_data) : data(std::move(its_data)) {}
  event(const char* its_data) : data(its_data) {}

  std::string data;  ///< may have several lines
  std::string name;  ///< without one it is a "message"
  std::string id;
  std::optional<std::chrono::milliseconds> retry;  ///< after which a client connects again
};

namespace detail {

[[nodiscard]] std::string text_of(const event& one);
[[nodiscard]] response events_of(async_generator<std::string> texts, loop_clock::duration heartbeat);

// The events as text, and an empty one at the end.
template <async_range Range>
async_generator<std::string> texts_of(Range events) {
  for (bool more = true; more;) {
    const auto one = co_await events.next();
    more = one.has_value();
    std::string text;
    if (more) text = text_of(*one);
    co_yield std::move(text);
  }
}

}  // namespace detail

/// A response that sends events as they come: server-sent events. It ends with the range, or with its client.
///
///     async_generator<http::event> changes() {
///       for (int i = 1;; ++i) {
///         co_await sleep_for(1s);
///         co_yield http::event("change " + std::to_string(i));
///       }
///     }
///     task<http::response> watch_page(http::request&) { co_return http::event_stream(changes()); }
///
/// Every `heartbeat` it sends a comment, which clients ignore: so a client that has gone without a word is
/// noticed, and proxies keep the connection.
///
/// Errors  of the range end the connection. std::invalid_argument for an event whose name or id has a line
///         end.
/// Cancel  stops the range when the client goes away.
template <async_range Range>
[[nodiscard]] response event_stream(Range events, loop_clock::duration heartbeat = std::chrono::seconds(15)) {
  return detail::events_of(detail::texts_of(std::move(events)), heartbeat);
}

}  // namespace braid::http
