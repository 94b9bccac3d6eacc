#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/style/task.hpp"

namespace braid::postgres {

class connection;
namespace detail {
class link;
}  // namespace detail

/// What another session has sent by NOTIFY.
///
///     const auto show = [](const postgres::notification& each) { log(each.channel + ": " + each.payload); };
struct notification {
  std::string channel, payload;
  int process = 0;  ///< of the server, for the session that sent it
};

/// The notifications of some channels, as an async_range. connection::listen makes it.
///
///     postgres::notifications changes = co_await shop.listen("orders");
///     while (const auto each = co_await changes.next()) log(each->payload);
///
/// A next() is an operation of the connection, so that no statement can run meanwhile. What arrives while
/// there is no next() is kept, without a bound.
///
/// Lifetime  the connection outlives it, and stays at its address.
/// Errors    errc::connection_lost: notifications may have been missed. It never ends in another way.
/// Cancel    loses no notification.
class notifications {
 public:
  [[nodiscard]] task<std::optional<notification>> next();

  // For the machinery.
  notifications(detail::link* over, std::vector<std::string> channels) noexcept
      : over_(over), channels_(std::move(channels)) {}

 private:
  detail::link* over_;
  std::vector<std::string> channels_;
};

}  // namespace braid::postgres
