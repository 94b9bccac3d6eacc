#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace braid::postgres {

/// The category of sqlstate, "sqlstate".
///
///     const auto done = co_await as_result(fetch("row"));
///     const bool refused = !done && done.error().code().category() == postgres::sqlstate_category();
[[nodiscard]] const std::error_category& sqlstate_category() noexcept;

/// The five letters by which PostgreSQL says what went wrong. It compares with an error.
///
///     constexpr postgres::sqlstate deferred("23505");
///     const auto done = co_await as_result(fetch("row"));
///     if (!done && done.error() == postgres::sqlstate::unique_violation) log("it is there already");
///     use(deferred.is_of_class("23"), deferred.to_string());
///
/// Source  PostgreSQL's manual, appendix A.
class sqlstate {
 public:
  /// 00000, which is success.
  constexpr sqlstate() noexcept = default;
  /// From five digits or capital letters. Throws std::invalid_argument.
  explicit constexpr sqlstate(std::string_view text) {
    if (text.size() != 5) throw std::invalid_argument("postgres::sqlstate: it has five letters");
    for (const char each : text) value_ = value_ * 36 + digit(each);
  }

  [[nodiscard]] std::string to_string() const;
  /// Does it begin with these two letters?
  [[nodiscard]] bool is_of_class(std::string_view two) const { return to_string().starts_with(two); }
  operator std::error_code() const noexcept { return {value_, sqlstate_category()}; }
  friend constexpr bool operator==(const sqlstate&, const sqlstate&) noexcept = default;

  static const sqlstate unique_violation, foreign_key_violation, not_null_violation, check_violation,
      serialization_failure, deadlock_detected, query_canceled, admin_shutdown, undefined_table,
      undefined_column, syntax_error, invalid_text_representation, numeric_value_out_of_range,
      lock_not_available, in_failed_sql_transaction, too_many_connections, read_only_sql_transaction;

 private:
  static constexpr int digit(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'A' && letter <= 'Z') return letter - 'A' + 10;
    throw std::invalid_argument("postgres::sqlstate: its letters are digits and capitals");
  }
  int value_ = 0;
};

inline constexpr sqlstate sqlstate::unique_violation{"23505"};
inline constexpr sqlstate sqlstate::foreign_key_violation{"23503"};
inline constexpr sqlstate sqlstate::not_null_violation{"23502"};
inline constexpr sqlstate sqlstate::check_violation{"23514"};
inline constexpr sqlstate sqlstate::serialization_failure{"40001"};
inline constexpr sqlstate sqlstate::deadlock_detected{"40P01"};
inline constexpr sqlstate sqlstate::query_canceled{"57014"};
inline constexpr sqlstate sqlstate::admin_shutdown{"57P01"};
inline constexpr sqlstate sqlstate::undefined_table{"42P01"};
inline constexpr sqlstate sqlstate::undefined_column{"42703"};
inline constexpr sqlstate sqlstate::syntax_error{"42601"};
inline constexpr sqlstate sqlstate::invalid_text_representation{"22P02"};
inline constexpr sqlstate sqlstate::numeric_value_out_of_range{"22003"};
inline constexpr sqlstate sqlstate::lock_not_available{"55P03"};
inline constexpr sqlstate sqlstate::in_failed_sql_transaction{"25P02"};
inline constexpr sqlstate sqlstate::too_many_connections{"53300"};
inline constexpr sqlstate sqlstate::read_only_sql_transaction{"25006"};

}  // namespace braid::postgres
