#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/base/result.hpp"
#include "braid/redis/client_options.hpp"
#include "braid/redis/error.hpp"
#include "braid/redis/request.hpp"
#include "braid/redis/script.hpp"
#include "braid/redis/subscription.hpp"
#include "braid/redis/value.hpp"
#include "braid/style/task.hpp"

namespace braid::redis {

namespace detail {
class client_core;
}  // namespace detail

/// Sends commands to a Redis server over one connection, which it makes when the first one is sent, and again
/// when it was lost.
///
///     redis::client db(endpoint::loopback(6379));
///     co_await db.set("greeting", "hello");
///     const std::optional<std::string> greeting = co_await db.get("greeting");
///     const redis::value length = co_await db.command("LPUSH", "jobs", "resize 7");
///     use(greeting, length.integer());
///
/// Any number of tasks may use it at the same time: their commands are pipelined in the order in which they
/// begin, and each gets its own reply. A command that was cancelled, or is late, shifts no other's: its reply
/// is dropped when it comes. A command that blocks in the server (BLPOP) holds up the others behind it. One
/// that concerns the connection itself (SELECT, MULTI, WATCH, SUBSCRIBE, HELLO, CLIENT REPLY) would spoil it
/// for the others, and is refused as std::errc::operation_not_supported. The protocol is RESP2.
///
/// Lifetime  outlives its commands.
/// Threads   one loop's.
/// Errors    an error reply is an error with the code of its first word (errc::wrong_type). Each command ends
///           within its time, whatever happens: errc::not_sent, errc::reply_late. After a lost connection
///           errc::reply_lost, unless the request is idempotent. docs/redis.md has the table.
/// Cancel    ends at once. If it was not sent yet, it is not done; else it may be.
class client : pinned {
 public:
  explicit client(server_address at, client_options how = {});
  /// Closes the connection at once.
  ~client();

  /// Sends a command and gives the reply.
  [[nodiscard]] task<value> command(request what);
  template <word_of_command... Words>
    requires(sizeof...(Words) > 0)
  [[nodiscard]] task<value> command(const Words&... words) {
    return command(request(words...));
  }
  /// Sends several commands together, with none of others between them, and gives the result of each. Their
  /// time is the longest of theirs.
  /// Errors  those of one command, if no reply came at all; else each command has its own.
  [[nodiscard]] task<std::vector<result<value>>> pipeline(std::vector<request> commands);

  /// GET: the value of a key, if it has one. Idempotent.
  [[nodiscard]] task<std::optional<std::string>> get(std::string_view key);
  /// SET, without or with a time to live.
  [[nodiscard]] task<> set(std::string_view key, std::string_view value);
  [[nodiscard]] task<> set(std::string_view key, std::string_view value, std::chrono::milliseconds to_live);
  /// DEL: was it there?
  [[nodiscard]] task<bool> erase(std::string_view key);
  /// INCRBY: the new value.
  [[nodiscard]] task<std::int64_t> increment(std::string_view key, std::int64_t by = 1);
  /// PUBLISH: how many have received it.
  [[nodiscard]] task<std::int64_t> publish(std::string_view channel, std::string_view message);

  /// Sends the commands between MULTI and EXEC: they are done as one, or not at all, and each has its result.
  /// Transactions that watch keys need a connection of a pool.
  /// Errors  errc::exec_aborted if the server refuses a command before it begins; suppressed() says why.
  [[nodiscard]] task<std::vector<result<value>>> transaction(std::vector<request> commands);
  /// Runs a script with its KEYS and ARGV.
  [[nodiscard]] task<value> run(script& what, std::vector<std::string> keys,
                                std::vector<std::string> arguments);
  /// Subscribes to channels, over a connection of its own with this client's address and options. Completes
  /// once the server has confirmed it: what is published afterwards arrives.
  /// Errors  errc::not_sent if there is no connection within client_options::command.
  template <std::convertible_to<std::string_view>... Channels>
  [[nodiscard]] task<subscription> subscribe(const Channels&... channels) {
    topics wanted;
    (wanted.channels.emplace_back(std::string_view(channels)), ...);
    return subscribe(std::move(wanted));
  }
  [[nodiscard]] task<subscription> subscribe(topics wanted);

  /// Waits for the commands that have begun, refuses others, and closes the connection.
  /// Cancel  leaves the connection to the destructor.
  [[nodiscard]] task<> close();

  /// Is there a connection now?
  [[nodiscard]] bool is_connected() const noexcept;
  /// How many connections it has made.
  [[nodiscard]] std::uint64_t connections() const noexcept;
  /// How many commands wait, or have replies to come.
  [[nodiscard]] std::size_t commands() const noexcept;

  // For a queue, which keeps it.
  [[nodiscard]] const std::shared_ptr<detail::client_core>& core() const noexcept { return core_; }

 private:
  const std::shared_ptr<detail::client_core> core_;
};

}  // namespace braid::redis
