#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/base/result.hpp"
#include "braid/redis/request.hpp"
#include "braid/redis/script.hpp"
#include "braid/redis/value.hpp"
#include "braid/style/task.hpp"

namespace braid::redis {

namespace detail {
class client_core;
class pool_core;
}  // namespace detail

/// A connection of a pool, for its owner alone: for commands that block in the server, for transactions that
/// watch keys, and for what changes the connection.
///
///     redis::pool pool(endpoint::loopback(6379));
///     redis::connection own = co_await pool.take();
///     (void)co_await own.command("WATCH", "stock");
///     const auto left = (co_await own.command("GET", "stock")).as<std::int64_t>();
///     std::vector<redis::request> buy;
///     buy.emplace_back("SET", "stock", left - 1);
///     const auto done = co_await own.transaction(std::move(buy));
///     if (!done) log("somebody else has changed it: once more");
///
/// Its end gives the connection back to the pool. One that was lost, on which a reply is still to come, or
/// whose state a command has changed (WATCH without EXEC, SELECT), is closed instead. When a blocking command
/// is cancelled, end the connection with it: so the server learns of it.
///
/// Lifetime  outlives its commands, and may outlive the pool.
/// Threads   one loop's.
/// Errors    as of a client, but once the connection is lost each further command fails with
///           errc::no_connection: what an earlier one has set up is gone.
class connection {
 public:
  connection(connection&&) noexcept = default;
  connection& operator=(connection&& other) noexcept {
    std::swap(core_, other.core_);
    std::swap(of_, other.of_);
    return *this;
  }
  ~connection();

  /// As those of a client.
  [[nodiscard]] task<value> command(request what);
  template <word_of_command... Words>
    requires(sizeof...(Words) > 0)
  [[nodiscard]] task<value> command(const Words&... words) {
    return command(request(words...));
  }
  [[nodiscard]] task<std::vector<result<value>>> pipeline(std::vector<request> commands);
  [[nodiscard]] task<value> run(script& what, std::vector<std::string> keys,
                                std::vector<std::string> arguments);
  /// Sends the commands between MULTI and EXEC, as one. None if a key that was watched has changed since:
  /// then nothing was done.
  [[nodiscard]] task<std::optional<std::vector<result<value>>>> transaction(std::vector<request> commands);

  /// Is it still there? True before its first command, too.
  [[nodiscard]] bool is_open() const noexcept;

 private:
  friend detail::pool_core;
  connection(std::shared_ptr<detail::client_core> core, std::shared_ptr<detail::pool_core> of) noexcept;
  std::shared_ptr<detail::client_core> core_;
  std::shared_ptr<detail::pool_core> of_;
};

}  // namespace braid::redis
