#include "braid/postgres/error.hpp"

#include <string>
#include <utility>

namespace braid::postgres {

namespace {

class category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "postgres"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::failed: return "the operation failed";
      case errc::connect_failed: return "no connection";
      case errc::connection_lost: return "the connection is lost, and nothing was done";
      case errc::outcome_unknown:
        return "the connection is lost: it is unknown whether the statement was executed";
      case errc::connection_closed: return "the connection is closed";
      case errc::wrong_type: return "it has another type";
      case errc::unexpected_null: return "it is null";
      case errc::out_of_range: return "the value is out of range";
      case errc::no_such_column: return "there is no such column";
      case errc::rolled_back: return "the transaction had failed: it is rolled back";
      case errc::no_such_row: return "there is no such row";
    }
    return "unknown error";
  }
};

class sqlstates final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "sqlstate"; }
  [[nodiscard]] std::string message(int value) const override {
    std::string text = "SQLSTATE 00000";
    for (std::size_t at = text.size(); value > 0; value /= 36)
      text[--at] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % 36];
    return text;
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const category one;
  return one;
}

const std::error_category& sqlstate_category() noexcept {
  static const sqlstates one;
  return one;
}

std::string sqlstate::to_string() const { return sqlstate_category().message(value_).substr(9); }

server_error::server_error(const char* call, server_message said)
    : std::system_error(said.code, std::string(call) + ": " + said.message), said_(std::move(said)) {}

std::optional<server_message> message_of(const error& of) {
  try {
    if (const std::exception_ptr held = of.exception()) std::rethrow_exception(held);
  } catch (const server_error& refused) {
    return refused.message();
  } catch (...) {
    // another exception
  }
  for (const error& each : of.suppressed())
    if (auto said = message_of(each)) return said;
  return std::nullopt;
}

}  // namespace braid::postgres
