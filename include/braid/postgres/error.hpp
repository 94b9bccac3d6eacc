#pragma once

#include <optional>
#include <string>
#include <system_error>
#include <type_traits>

#include "braid/base/error.hpp"
#include "braid/postgres/sqlstate.hpp"

namespace braid::postgres {

/// Why an operation failed for another reason than a refusal of the server, which has a sqlstate.
///
///     const auto paid = co_await as_result(fetch("payment"));
///     if (!paid && paid.error() == postgres::errc::outcome_unknown) log("look whether it is there");
enum class errc {
  failed = 1,        ///< for a reason of libpq's, which the message has
  connect_failed,    ///< no connection could be made; the message has the reason for each address
  connection_lost,   ///< the server or the network has ended it, and nothing of this operation was done
  outcome_unknown,   ///< it was lost while the server worked: the statement may have been executed or not
  connection_closed, ///< close() was called, or an earlier operation found the connection lost
  wrong_type,        ///< the column has another type than was asked for; the message names both
  unexpected_null,   ///< the column is null; ask for a std::optional
  out_of_range,      ///< the column's value does not fit the type that was asked for
  no_such_column,
  rolled_back,  ///< at its commit the transaction had failed already
  no_such_row,       ///< there are fewer rows, or more than the one that was asked for
};

/// The category of errc, "postgres".
///
///     const std::error_code code = postgres::errc::connection_lost;
///     use(code.category() == postgres::error_category(), code.message());
[[nodiscard]] const std::error_category& error_category() noexcept;
/// Makes an errc usable wherever a std::error_code is.
///
///     const std::error_code lost = postgres::errc::connection_lost;  // calls make_error_code
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), error_category()};
}

/// What the server says about an error, or of its own accord: a notice. Texts that it leaves out are empty.
///
///     postgres::connection_options how;
///     how.on_notice = [](const postgres::server_message& said) { log(said.severity + ": " + said.message);
///     };
struct server_message {
  std::string severity;  ///< ERROR, FATAL, PANIC, WARNING, NOTICE, DEBUG, INFO or LOG
  sqlstate code{};
  std::string message, detail, hint, context;
  std::string schema, table, column, data_type, constraint;
  int position = 0;  ///< of the fault in the text of the statement, in characters from 1; 0: it says none
};

/// A refusal of the server, as an exception. Its code is the sqlstate.
///
///     try {
///       (void)co_await shop.execute("insert into users values ($1)", 7);
///     } catch (const postgres::server_error& refused) {
///       log(refused.message().constraint);
///     }
class server_error : public std::system_error {
 public:
  server_error(const char* call, server_message said);
  [[nodiscard]] const server_message& message() const noexcept { return said_; }

 private:
  server_message said_;
};

/// What the server said, if the error is a refusal of the server's or has one in its suppressed().
///
///     const auto done = co_await as_result(shop.execute("select 1 / 0"));
///     if (!done)
///       if (const auto said = postgres::message_of(done.error())) log(said->message);
[[nodiscard]] std::optional<server_message> message_of(const error& of);

}  // namespace braid::postgres

template <>
struct std::is_error_code_enum<braid::postgres::errc> : std::true_type {};
