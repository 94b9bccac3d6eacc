#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "braid/postgres/connection.hpp"
#include "braid/postgres/transaction.hpp"
#include "braid/sync/semaphore.hpp"

namespace braid::postgres {

namespace detail {
class pool_core;
}  // namespace detail

/// What a pool does with a connection that comes back, before others get it. `discard_all` is DISCARD ALL:
/// settings, temporary tables, prepared statements, LISTEN and advisory locks are gone. `rollback` only ends
/// a transaction that is open, and costs nothing otherwise.
///
///     postgres::pool_options how;
///     how.reset = postgres::session_reset::rollback;
enum class session_reset { discard_all, rollback };

/// The limits of a pool.
///
///     postgres::pool_options how;
///     how.at_most = 4;
///     how.wait_within = 500ms;
struct pool_options {
  pool_options() {}  // no aggregate, since g++ 12 would destroy the default of an await twice

  std::size_t at_most = 10;  ///< connections, those in use and the idle ones
  loop_clock::duration wait_within = std::chrono::seconds(10);  ///< for a connection when all are in use
  loop_clock::duration idle =
      std::chrono::minutes(10);  ///< an idle one that is older is closed at its next use
  /// An idle one that is older is asked whether it lives before it is used. One whose end has arrived is
  /// never used.
  loop_clock::duration trusted = std::chrono::seconds(30);
  loop_clock::duration check_within = std::chrono::seconds(2);  ///< for that answer, and for a reset
  session_reset reset = session_reset::discard_all;
  connection_options connection{};
};

/// Connections to one server that tasks use one after the other.
///
///     postgres::pool shop_pool("postgresql://app@db.example.org/shop");
///     {
///       postgres::pool::lease db = co_await shop_pool.acquire();
///       (void)co_await db->execute("set local statement_timeout = 100");
///     }  // reset and given back
///     const postgres::rows found = co_await shop_pool.query("select item from orders where id = $1", 7);
///
/// Lifetime  its leases may outlive it.
/// Threads   one loop's.
/// Errors    of acquire: those of connect; std::errc::timed_out with timeout_category() after wait_within.
/// Cancel    a cancelled acquire leaves the queue.
class pool : pinned {
 public:
  /// Connects when the first connection is wanted. Throws std::invalid_argument if at_most is 0.
  explicit pool(std::string to, pool_options how = {});
  ~pool();

  /// A connection in use. The destructor gives it back: a task resets it, and only then is its place free.
  /// One that is lost, or in the middle of a statement, is closed.
  class lease {
   public:
    lease(lease&& other) noexcept = default;  // leaves no pool in other
    lease& operator=(lease&& other) noexcept;
    ~lease();
    [[nodiscard]] connection& operator*() noexcept { return *connection_; }
    [[nodiscard]] connection* operator->() noexcept { return connection_.get(); }

    // For the machinery.
    lease(std::shared_ptr<detail::pool_core> of, semaphore::permit place) noexcept;
    void hold(connection one);

   private:
    friend class detail::pool_core;
    void give_back() noexcept;
    std::shared_ptr<detail::pool_core> of_;
    std::optional<semaphore::permit> place_;
    std::unique_ptr<connection> connection_;  // at one address, however the lease is moved
  };

  /// A sender of lease: an idle connection that lives, or a new one.
  [[nodiscard]] task<lease> acquire();
  /// connection::query with any connection.
  template <class... Values>
  [[nodiscard]] task<rows> query(std::string text, const Values&... values) {
    return query_by_any(core_, std::move(text), detail::made_of(values...));
  }
  /// connection::execute with any connection.
  template <class... Values>
  [[nodiscard]] task<std::uint64_t> execute(std::string text, const Values&... values) {
    return execute_by_any(core_, std::move(text), detail::made_of(values...));
  }
  /// postgres::transaction with any connection.
  template <class F, class... Arguments>
  [[nodiscard]] auto transaction(const transaction_options& how, F fn, Arguments... arguments) {
    using sender_type = sender_of<std::invoke_result_t<F&, connection&, Arguments&...>>;
    return transaction_by_any<value_of<sender_type>>(core_, how, std::move(fn), std::move(arguments)...);
  }

  /// Connections that no task uses, and those in use (or being reset).
  [[nodiscard]] std::size_t idle() const noexcept;
  [[nodiscard]] std::size_t in_use() const noexcept;
  /// Closes the idle connections.
  void close_idle() noexcept;

 private:
  using core_ptr = std::shared_ptr<detail::pool_core>;
  static task<lease> acquire_of(core_ptr of);
  static task<rows> query_by_any(core_ptr of, std::string text, detail::parameters with);
  static task<std::uint64_t> execute_by_any(core_ptr of, std::string text, detail::parameters with);
  template <class T, class F, class... Arguments>
  static task<T> transaction_by_any(core_ptr of, transaction_options how, F fn, Arguments... arguments) {
    lease on = co_await acquire_of(std::move(of));
    co_return co_await postgres::transaction(*on, how, std::move(fn), std::move(arguments)...);
  }
  const core_ptr core_;
};

}  // namespace braid::postgres
