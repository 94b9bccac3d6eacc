#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/postgres/connection_options.hpp"
#include "braid/postgres/copy.hpp"
#include "braid/postgres/detail/parameters.hpp"
#include "braid/postgres/notifications.hpp"
#include "braid/postgres/rows.hpp"
#include "braid/postgres/statement.hpp"
#include "braid/style/task.hpp"

namespace braid::postgres {

namespace detail {
class link;
struct link_deleter {
  void operator()(link* one) const noexcept;
};
using link_ptr = std::unique_ptr<link, link_deleter>;
[[nodiscard]] task<rows> query(link* over, std::string text, parameters with);
[[nodiscard]] task<std::uint64_t> execute(link* over, std::string text, parameters with);
[[nodiscard]] task<rows> query(link* over, statement which, parameters with);
[[nodiscard]] task<std::uint64_t> execute(link* over, statement which, parameters with);
}  // namespace detail

/// A connection to a PostgreSQL server, by libpq.
///
///     postgres::connection db = co_await postgres::connect("postgresql://app@db.example.org/shop");
///     (void)co_await db.execute("insert into orders (item, price) values ($1, $2)", "tea", 3.5);
///     const postgres::rows found = co_await db.query("select id from orders where item = $1", "tea");
///     for (const postgres::row each : found) use(each.get<std::int64_t>("id"));
///
/// A parameter is a bool, a number, a text, bytes (a contiguous range of std::byte), a sys_days, a sys_time,
/// a range of these, which becomes an array, std::nullopt for null, or a std::optional. The server infers its
/// type; where it cannot, the statement says cast($1 as int8). A parameter never becomes part of the
/// statement's text.
///
/// Lifetime  outlives its operations, but may be moved while they run. The destructor closes it.
/// Threads   one loop's. One operation at a time: a second one is a std::logic_error, since two tasks that
///           take turns at a connection would be in each other's transaction. cancel() may be called
///           meanwhile. A forked child's copy closes its descriptor and says nothing to the server.
/// Errors    of a refusal: server_error, which compares with a sqlstate; the connection stays usable.
///           errc::connection_lost: the connection was lost before the statement was sent.
///           errc::outcome_unknown: it was lost while the server worked, so that the statement, a commit for
///           instance, may have been executed. Afterwards the connection is closed. An operation that lacks
///           memory closes it, too.
/// Cancel    sends a cancel request over a connection of its own, and waits until both the request and the
///           statement have ended: the request never meets a later statement. Then the statement was rolled
///           back, and the operation ends as cancelled (or timed_out); if the statement succeeded in spite of
///           the request, its result is the value. If that takes longer than cancel_within, the
///           connection is closed, and the operation fails with errc::outcome_unknown.
class connection {
 public:
  connection() noexcept = default;
  [[nodiscard]] bool is_open() const noexcept;

  /// Executes one statement and gives its rows.
  /// Errors  std::invalid_argument for a text, of the statement or of a parameter, with a zero byte.
  template <class... Values>
  [[nodiscard]] task<rows> query(std::string text, const Values&... values) {
    return detail::query(link_.get(), std::move(text), detail::made_of(values...));
  }
  /// Executes one statement and gives the number of rows that it has inserted, changed or removed.
  template <class... Values>
  [[nodiscard]] task<std::uint64_t> execute(std::string text, const Values&... values) {
    return detail::execute(link_.get(), std::move(text), detail::made_of(values...));
  }
  /// Has the server prepare a statement: it is parsed once, and planned for its use.
  [[nodiscard]] task<statement> prepare(std::string text);
  template <class... Values>
  [[nodiscard]] task<rows> query(const statement& which, const Values&... values) {
    return detail::query(link_.get(), which, detail::made_of(values...));
  }
  template <class... Values>
  [[nodiscard]] task<std::uint64_t> execute(const statement& which, const Values&... values) {
    return detail::execute(link_.get(), which, detail::made_of(values...));
  }
  /// Has the server drop a prepared statement.
  [[nodiscard]] task<> forget(const statement& which);

  /// Listens to a channel, or to several. Completes once the server has agreed: what is sent from then on
  /// arrives.
  [[nodiscard]] task<notifications> listen(std::string channel);
  [[nodiscard]] task<notifications> listen(std::vector<std::string> channels);
  [[nodiscard]] task<> unlisten(std::string channel);

  /// Begins a COPY … TO STDOUT, or a COPY … FROM STDIN. Until it has ended the connection takes no other
  /// operation.
  /// Errors  std::logic_error if the statement, which is executed, is another one.
  [[nodiscard]] task<copied_out> copy_out(std::string text);
  [[nodiscard]] task<copied_in> copy_in(std::string text);

  /// Executes the statements of a text, separated by semicolons, as one transaction if they contain no
  /// command that controls transactions.
  [[nodiscard]] task<> run_script(std::string text);
  /// Asks the server to cancel the statement in progress, which then fails as sqlstate::query_canceled unless
  /// it ends before. Completes once the server has got the request; at once if nothing is in progress.
  /// Errors  errc::failed if the server does not take the request.
  /// Cancel  closes the connection when the statement has ended, since the request may still arrive.
  [[nodiscard]] task<> cancel();
  /// Takes leave of the server. An operation in progress fails.
  void close() noexcept;

  /// Is a transaction open, whether good or failed?
  [[nodiscard]] bool in_transaction() const noexcept;
  /// The number of the server's process.
  [[nodiscard]] int server_process() const noexcept;
  /// A setting that the server reports, such as "server_version" or "TimeZone"; empty if it does not.
  [[nodiscard]] std::string setting(const std::string& name) const;

  // For the machinery.
  explicit connection(detail::link_ptr over) noexcept : link_(std::move(over)) {}
  [[nodiscard]] detail::link* over() const noexcept { return link_.get(); }

 private:
  detail::link_ptr link_;
};

/// Connects to a server, by a connection string of libpq's:
/// "postgresql://user@host:port/database?sslmode=require", or "host=/run/postgresql dbname=shop". What it
/// leaves out comes from libpq's environment variables (PGHOST, PGPASSWORD and so on), and from the user's
/// password file.
///
///     postgres::connection_options how;
///     how.parameters["password"] = "secret";
///     postgres::connection db = co_await postgres::connect("host=db.example.org user=app", how);
///
/// The names of hosts are looked up by resolve(), all at once; the addresses are tried in their order.
///
/// Errors  errc::connect_failed, with the reason that libpq gives for each address; std::errc::timed_out with
///         timeout_category() after connect_within; std::invalid_argument for a faulty string; those of
///         resolve. The parameter `service` is refused: name the service by PGSERVICE.
/// Cancel  closes the connection; nothing is left behind.
/// Cost    libpq reads its files (passwords, certificates) on the loop's thread.
[[nodiscard]] task<connection> connect(std::string to, connection_options how = {});

}  // namespace braid::postgres
