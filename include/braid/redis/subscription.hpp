#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/redis/client_options.hpp"
#include "braid/style/task.hpp"

namespace braid::redis {

namespace detail {
class subscription_core;
}  // namespace detail

/// What was published, or a gap: the connection was lost, and is there again.
///
///     const auto show = [](const redis::message& each) { log(each.is_gap ? "a gap" : each.text); };
struct message {
  bool is_gap = false;  ///< messages before this one may be missing; the next ones will not
  std::string channel{};
  std::string pattern{};  ///< by which it came, if by one
  std::string text{};
};

/// The channels and patterns of a subscription.
///
///     redis::topics wanted;
///     wanted.channels = {"news"};
///     wanted.patterns = {"user.*"};
struct topics {
  std::vector<std::string> channels{}, patterns{};
  std::size_t ahead = 1000;  ///< messages that are kept for next(); further ones wait in the network
};

/// The messages that are published in channels, as an async range, over a connection of its own.
///
///     redis::subscription news = co_await db.subscribe("news", "weather");
///     while (const auto each = co_await news.next()) {
///       if (each->is_gap) log(co_await fetch("all news"));  // some may be missing
///       if (!each->is_gap) log(each->text);
///     }
///
/// When the connection is lost, it is made again, and subscribed again; then next() gives a gap, so that the
/// program can look up what it has missed. A silent server is found by PING, as by a client.
///
/// Lifetime  its end closes the connection. It may be moved while no next() runs.
/// Threads   one loop's; one next() at a time.
/// Errors    while the server is down next() fails with errc::no_connection every
///           client_options::command, and the range goes on: so a program learns of it. If the server refuses
///           the user or a channel, next() fails with that error from then on.
/// Cancel    loses no message.
/// Cost      a reader that does not keep up makes the server wait: it drops a subscriber whose messages
///           exceed its client-output-buffer-limit, which is a gap here.
class subscription {
 public:
  subscription(subscription&&) noexcept = default;
  subscription& operator=(subscription&& other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~subscription();

  /// The next message or gap; none after close().
  [[nodiscard]] task<std::optional<message>> next();
  /// Ends the range: what has arrived is still given.
  void close() noexcept;
  /// Is it subscribed now?
  [[nodiscard]] bool is_connected() const noexcept;

 private:
  friend detail::subscription_core;
  explicit subscription(std::shared_ptr<detail::subscription_core> core) noexcept : core_(std::move(core)) {}
  std::shared_ptr<detail::subscription_core> core_;
};

}  // namespace braid::redis
