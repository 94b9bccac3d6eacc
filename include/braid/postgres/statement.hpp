#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace braid::postgres {

/// A statement that the server has prepared on one connection. connection::prepare makes it, and query and
/// execute of that connection take it in place of a text.
///
///     const postgres::statement by_id = co_await shop.prepare("select item from orders where id = $1");
///     for (const int id : {1, 2, 3}) use(co_await shop.query(by_id, id));
///     co_await shop.forget(by_id);
///
/// Lifetime  a name: it may outlive its connection. The server keeps the statement until forget, the end of
///           the connection, or a session_reset of a pool.
/// Errors    of its use: std::logic_error with another connection.
class statement {
 public:
  statement() noexcept = default;

  // For the machinery.
  statement(std::string name, std::uint64_t of) noexcept : name_(std::move(name)), of_(of) {}
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t of() const noexcept { return of_; }

 private:
  std::string name_;
  std::uint64_t of_ = 0;  // the connection
};

}  // namespace braid::postgres
