#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/postgres/batch.hpp"
#include "braid/postgres/connection.hpp"

namespace braid::postgres {

namespace detail {
class pipeline_core;
}  // namespace detail

/// The limits of a pipeline.
///
///     postgres::pipeline_options how;
///     how.at_most = 100;
struct pipeline_options {
  pipeline_options() {}  // no aggregate, since g++ 12 would destroy the default of an await twice

  /// Statements without an answer. Those behind them wait to be sent.
  std::size_t at_most = 1000;
};

/// Many statements in flight at one connection: each is sent without waiting for the answers to those before
/// it. So a statement costs no round trip, and several tasks can use the connection at the same time.
///
///     postgres::pipeline line(shop);
///     auto both = when_all(line.execute("insert into orders (item) values ($1)", "tea"),
///                          line.query("select count(*) from orders"));
///     const auto [added, counted] = co_await std::move(both);
///     co_await line.end();  // and `shop` takes statements again
///     use(added, counted.value<int>());
///
/// The server executes the statements one after the other, in the order in which the operations begin. Each
/// operation is a transaction of its own, unless a statement has begun one: it succeeds once that is
/// committed. If it fails, the operations behind it go on.
///
/// Lifetime  outlives its operations; the connection outlives it. From its beginning to its end the
///           connection takes no other operation. The destructor closes the connection if an answer is
///           missing.
/// Threads   one loop's.
/// Errors    those of connection; after a lost connection errc::connection_lost for a statement that was not
///           sent, and errc::outcome_unknown for the others. COPY is refused, and closes the connection.
/// Cancel    ends at once. A statement that waits to be sent is not executed. One that was sent is, and its
///           result is dropped when it comes: no other operation gets it.
/// Cost      one system call to send each operation that finds the connection free.
class pipeline : pinned {
 public:
  /// Throws std::logic_error while an operation of the connection is in progress, errc::connection_closed and
  /// errc::connection_lost, and std::invalid_argument if at_most is 0.
  explicit pipeline(connection& on, pipeline_options how = {});
  ~pipeline();

  /// As the functions of connection.
  template <class... Values>
  [[nodiscard]] task<rows> query(std::string text, const Values&... values) {
    batch one;
    one.add(std::move(text), values...);
    return query_one(core_, std::move(one));
  }
  template <class... Values>
  [[nodiscard]] task<rows> query(const statement& which, const Values&... values) {
    batch one;
    one.add(which, values...);
    return query_one(core_, std::move(one));
  }
  template <class... Values>
  [[nodiscard]] task<std::uint64_t> execute(std::string text, const Values&... values) {
    batch one;
    one.add(std::move(text), values...);
    return execute_one(core_, std::move(one));
  }
  template <class... Values>
  [[nodiscard]] task<std::uint64_t> execute(const statement& which, const Values&... values) {
    batch one;
    one.add(which, values...);
    return execute_one(core_, std::move(one));
  }
  /// Executes the statements of a batch as one transaction, and gives the result of each.
  /// Errors  the first one, with the number of its statement: then those before it are rolled back, and those
  ///         behind it are not executed.
  [[nodiscard]] task<std::vector<rows>> run(batch statements);

  /// Waits for all answers, also those that nobody wants any more. Then the connection takes statements
  /// again.
  /// Cancel  closes the connection.
  [[nodiscard]] task<> end();

  /// Statements that wait to be sent, and those without an answer.
  [[nodiscard]] std::size_t waiting() const noexcept;
  [[nodiscard]] std::size_t in_flight() const noexcept;

 private:
  using core_ptr = std::shared_ptr<detail::pipeline_core>;
  static task<rows> query_one(core_ptr by, batch one);
  static task<std::uint64_t> execute_one(core_ptr by, batch one);
  const core_ptr core_;
};

}  // namespace braid::postgres
