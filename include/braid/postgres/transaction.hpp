#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/combine/retry.hpp"
#include "braid/core/awaitable.hpp"
#include "braid/postgres/connection.hpp"
#include "braid/style/as_result.hpp"

namespace braid::postgres {

/// How far a transaction is from others that run at the same time. `of_server` is what the server has as its
/// default, usually read_committed.
///
///     postgres::transaction_options how;
///     how.level = postgres::isolation::serializable;
enum class isolation { of_server, read_committed, repeatable_read, serializable };

/// How a transaction runs.
///
///     postgres::transaction_options how;
///     how.level = postgres::isolation::serializable;
///     how.again.attempts = 10;
struct transaction_options {
  isolation level = isolation::of_server;
  bool read_only = false;
  bool deferrable = false;  ///< of a serializable one that reads only: waits until it cannot fail
  /// For serialization failures and deadlocks: the function is called again. One attempt: it never is.
  retry_policy again{.attempts = 5, .base = std::chrono::milliseconds(10), .cap = std::chrono::seconds(1)};
};

namespace detail {

[[nodiscard]] task<> begin(connection& on, transaction_options how);
[[nodiscard]] task<> commit(connection& on);
// Rolls back what the function has left, and throws why.
[[nodiscard]] task<> roll_back(connection& on, error why, bool in_commit);
[[nodiscard]] bool worth_another_transaction(const error& why) noexcept;

template <class T, class F, class... Arguments>
task<T> attempt_transaction(connection& on, const transaction_options& how, F& fn, Arguments&... arguments) {
  std::optional<error> failed;
  std::conditional_t<std::is_void_v<T>, bool, std::optional<T>> value{};
  co_await begin(on, how);
  try {
    auto op = as_sender(std::invoke(fn, on, arguments...));
    if constexpr (std::is_void_v<T>)
      co_await std::move(op);
    else
      value.emplace(co_await std::move(op));
  } catch (...) {
    failed = error::current();
  }
  if (failed) co_await roll_back(on, *std::move(failed), false);
  auto committing = as_result(commit(on));
  const result<void> committed = co_await std::move(committing);
  if (!committed) co_await roll_back(on, committed.error(), true);
  if constexpr (!std::is_void_v<T>) co_return *std::move(value);
}

template <class T, class F, class... Arguments>
task<T> run_transaction(connection& on, transaction_options how, F fn, Arguments... arguments) {
  const auto attempt = [&] { return attempt_transaction<T>(on, how, fn, arguments...); };
  auto trying = retry(how.again, attempt, worth_another_transaction);
  co_return co_await std::move(trying);
}

}  // namespace detail

/// Runs fn(connection, arguments...) within a transaction, which is committed when the sender that fn returns
/// succeeds, and rolled back when it fails or is cancelled. A sender of fn's value.
///
///     const auto move_money = [](postgres::connection& in, int from, int to) -> task<> {
///       (void)co_await in.execute("update accounts set cents = cents - 100 where id = $1", from);
///       (void)co_await in.execute("update accounts set cents = cents + 100 where id = $1", to);
///     };
///     co_await postgres::transaction(shop, {}, move_money, 1, 2);
///
/// After a serialization failure or a deadlock fn is called again, with copies of the same arguments, as
/// `again` says: so it does nothing that must not be done twice. It neither begins nor ends a transaction
/// itself; savepoints are its own.
///
/// Lifetime  the connection stays at its address until the transaction has ended.
/// Errors    fn's; those of the commit. errc::outcome_unknown: the connection was lost during the commit. If
///           it is lost before, it is errc::connection_lost: nothing is committed. errc::rolled_back: a
///           statement had failed, and fn succeeded nevertheless. std::logic_error if a transaction is open
///           already.
/// Cancel    rolls back, and waits until that is done. A commit that has begun may succeed in spite of the
///           request; then fn's value is the result.
template <class F, class... Arguments>
[[nodiscard]] auto transaction(connection& on, const transaction_options& how, F fn, Arguments... arguments) {
  using sender_type = sender_of<std::invoke_result_t<F&, connection&, Arguments&...>>;
  return detail::run_transaction<value_of<sender_type>>(on, how, std::move(fn), std::move(arguments)...);
}

}  // namespace braid::postgres
