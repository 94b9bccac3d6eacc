#pragma once

#include <cstddef>
#include <memory>

#include "braid/base/pinned.hpp"
#include "braid/redis/client_options.hpp"
#include "braid/redis/connection.hpp"
#include "braid/style/task.hpp"

namespace braid::redis {

/// Connections to a server, each for one task at a time.
///
///     redis::pool workers(endpoint::loopback(6379), {}, 4);
///     redis::connection own = co_await workers.take();
///     redis::request pop("BLPOP", "jobs", 30);
///     pop.within(35s);
///     const redis::value job = co_await own.command(std::move(pop));
///
/// Lifetime  the connections that it gave may outlive it.
/// Threads   one loop's.
class pool : pinned {
 public:
  /// At most so many connections are in use or kept at a time.
  explicit pool(server_address at, client_options how = {}, std::size_t most = 10);
  /// Closes the connections that are not in use.
  ~pool();

  /// A connection for the caller alone: one that was given back, or a new one, which is made at its first
  /// command. One that was not used for longer than client_options::silence is tested first.
  /// Errors  std::errc::timed_out if none is free within client_options::command.
  [[nodiscard]] task<connection> take();

  /// How many connections are kept for later, and how many may be taken now.
  [[nodiscard]] std::size_t idle() const noexcept;
  [[nodiscard]] std::size_t free() const noexcept;

 private:
  const std::shared_ptr<detail::pool_core> core_;
};

}  // namespace braid::redis
