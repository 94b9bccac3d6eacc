#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "braid/style/task.hpp"

namespace braid::postgres {

namespace detail {
class copy_out_core;
class copy_in_core;
}  // namespace detail

/// What a COPY … TO STDOUT gives, as an async_range of pieces. connection::copy_out makes it.
///
///     postgres::copied_out lines = co_await shop.copy_out("copy orders to stdout (format csv)");
///     while (const auto piece = co_await lines.next()) co_await standard_output().write_all(*piece);
///     use(lines.count());
///
/// A piece is a std::string with one or several whole rows, about 64 KiB at most unless one row is longer.
/// What is not asked for stays at the server.
///
/// Lifetime  the connection outlives it, and takes no other operation until the range has ended. The
///           destructor closes the connection if it has not: call abort() to keep it.
/// Errors    of next(): a refusal of the server, after which the connection takes statements again;
///           errc::outcome_unknown if the connection is lost. Rows that have come are given before.
/// Cancel    a next() that is stopped loses nothing: another one goes on.
class copied_out {
 public:
  [[nodiscard]] task<std::optional<std::string>> next();
  /// Ends it, and drops what is left. Nothing if it has ended.
  /// Errors  errc::outcome_unknown if the server does not end it within cancel_within: the connection is
  ///         closed.
  [[nodiscard]] task<> abort();
  /// How many rows there were, once the range has ended.
  [[nodiscard]] std::uint64_t count() const noexcept;

  // For the machinery.
  explicit copied_out(std::shared_ptr<detail::copy_out_core> core) noexcept : core_(std::move(core)) {}

 private:
  std::shared_ptr<detail::copy_out_core> core_;
};

/// Where the rows of a COPY … FROM STDIN are written to. connection::copy_in makes it.
///
///     postgres::copied_in to = co_await shop.copy_in("copy orders (item, price) from stdin (format csv)");
///     for (const char* each : {"tea,3.5\n", "milk,1\n"}) co_await to.write(each);
///     use(co_await to.finish());  // the number of rows
///
/// The server stores the rows at finish(), all or none. Bytes may be divided between calls at any place.
///
/// Lifetime  the connection outlives it, and takes no other operation until finish() or abort(). Without
///           them the destructor closes the connection, and no row is stored.
/// Errors    of finish(): the refusal of the server, of a malformed row for instance: no row is stored, and
///           the connection takes statements again. A lost connection is errc::connection_lost in write(),
///           since nothing is stored, and errc::outcome_unknown in finish().
/// Cancel    of write(): it is unknown which of its bytes were written, so that only abort() is left; others
///           are a std::logic_error. Of finish(): as for connection::execute.
class copied_in {
 public:
  /// Completes once the operating system has taken the bytes: a slow server slows down its caller. The caller
  /// keeps the bytes until then.
  [[nodiscard]] task<> write(std::string_view bytes);
  [[nodiscard]] task<> write(std::span<const std::byte> bytes);
  /// Ends the rows. Completes with their number once they are stored.
  [[nodiscard]] task<std::uint64_t> finish();
  /// Gives up: no row is stored, and the connection takes statements again. The server's log has the reason.
  /// Nothing if it has ended.
  [[nodiscard]] task<> abort(std::string reason = "given up by the client");

  // For the machinery.
  explicit copied_in(std::shared_ptr<detail::copy_in_core> core) noexcept : core_(std::move(core)) {}

 private:
  std::shared_ptr<detail::copy_in_core> core_;
};

}  // namespace braid::postgres
