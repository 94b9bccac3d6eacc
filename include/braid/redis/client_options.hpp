#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "braid/base/unique_function.hpp"
#include "braid/combine/retry_policy.hpp"
#include "braid/loop/clock.hpp"
#include "braid/net/any_stream.hpp"
#include "braid/net/endpoint.hpp"
#include "braid/net/unix_address.hpp"
#include "braid/style/task.hpp"

namespace braid::redis {

/// Where a server is: an endpoint, a host by name, or a socket of this machine.
///
///     const redis::server_address here = endpoint::loopback(6379);
///     const redis::server_address there("redis.example.org", "6379");
///     const redis::server_address local = unix_domain::address("/run/redis/redis.sock");
class server_address {
 public:
  server_address(endpoint at) : where_(at) {}
  server_address(unix_domain::address at) : where_(at) {}
  server_address(std::string host, std::string service) : where_(name{std::move(host), std::move(service)}) {}

  /// The master of this name, of which these sentinels know where it is. A client asks them for each
  /// connection, and again when the server turns out to be a replica.
  ///
  ///     std::vector<redis::server_address> sentinels{endpoint("10.0.0.1", 26379)};
  ///     redis::client db(redis::server_address::of_master("orders", std::move(sentinels)));
  [[nodiscard]] static server_address of_master(std::string name, std::vector<server_address> sentinels);

  /// A sender of a connection to it.
  [[nodiscard]] task<any_stream> connect() const;
  [[nodiscard]] std::string to_string() const;
  /// Is it one that sentinels know?
  [[nodiscard]] bool is_master() const noexcept;

 private:
  struct name {
    std::string host, service;
  };
  struct master;
  explicit server_address(std::shared_ptr<const master> which) : where_(std::move(which)) {}
  std::variant<endpoint, unix_domain::address, name, std::shared_ptr<const master>> where_;
};

/// What a client does with a command that exceeds its limits.
///
///     redis::client_options how;
///     how.when_full = redis::when_full::refuse;
enum class when_full : std::uint8_t {
  wait,  ///< the command waits for room, within its time
  refuse,  ///< it fails at once with errc::too_many_commands
};

/// The user, the time limits and the bounds of a client.
///
///     redis::client_options how;
///     how.user = "worker";
///     how.password = "secret";
///     how.database = 2;
///     how.command = 500ms;
///     redis::client cache(endpoint::loopback(6379), std::move(how));
struct client_options {
  std::string user{};  ///< of the server's ACL; empty: the default user
  std::string password{};  ///< empty: no AUTH
  int database = 0;  ///< SELECT
  std::string name{};  ///< CLIENT SETNAME

  loop_clock::duration connect = std::chrono::seconds(5);  ///< for one connection, with its greeting
  loop_clock::duration command =
      std::chrono::seconds(5);  ///< for a command, with the wait for a connection and for room
  /// While replies are owed and nothing has arrived for so long, the client asks by PING; after the same time
  /// again without a byte the connection is dead.
  loop_clock::duration silence = std::chrono::seconds(5);
  /// The pauses between attempts to connect. Their number is not limited: commands end by their time.
  retry_policy reconnect{.base = std::chrono::milliseconds(50), .cap = std::chrono::seconds(2)};

  std::size_t commands = 10'000;  ///< that wait or run at a time
  std::size_t waiting_bytes = 64 << 20;  ///< of the commands that are not sent yet
  redis::when_full when_full = redis::when_full::wait;
  std::size_t reply_bytes = 512 << 20;  ///< the memory of one reply

  /// Makes a connection: for TLS, or over another kind of stream. By default server_address::connect.
  unique_function<task<any_stream>()> connects{};
};

}  // namespace braid::redis
