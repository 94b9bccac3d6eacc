#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "braid/postgres/detail/cell.hpp"

struct pg_result;

namespace braid::postgres {

namespace detail {
struct result_deleter {
  void operator()(pg_result* one) const noexcept;
};
using result_ptr = std::unique_ptr<pg_result, result_deleter>;
}  // namespace detail

/// One row of a result.
///
///     const postgres::rows found = co_await shop.query("select id, name, born from users");
///     for (const postgres::row each : found) {
///       const auto [id, name] = each.as<int, std::string>();
///       if (each.is_null("born")) log(name);
///       const auto born = each.get<std::optional<std::chrono::sys_days>>("born");
///       use(id, born);
///     }
///
/// get<T> takes bool, integers, float, double, std::string, std::string_view (which lives as long as the
/// rows), std::vector<std::byte> (bytea), std::chrono::sys_days (date), sys_time<microseconds> (timestamp, as
/// UTC, and timestamptz), std::vector of these (arrays of one dimension), and std::optional of any of them,
/// which is empty for null. An integer is read from any integer type and from a numeric without a fraction; a
/// floating-point number from these, too. Any type can be read as a std::string from a text result.
///
/// Lifetime  of its rows.
/// Errors    errc::wrong_type, unexpected_null, out_of_range and no_such_column name the column.
class row {
 public:
  template <class T>
  [[nodiscard]] T get(std::size_t column) const {
    return detail::read<T>(at(column));
  }
  template <class T>
  [[nodiscard]] T get(std::string_view column) const {
    return detail::read<T>(at(column));
  }
  /// The first columns, in order.
  template <class... T>
  [[nodiscard]] std::tuple<T...> as() const {
    return all<T...>(std::index_sequence_for<T...>());
  }
  [[nodiscard]] bool is_null(std::size_t column) const { return at(column).is_null; }
  [[nodiscard]] bool is_null(std::string_view column) const { return at(column).is_null; }

  // For the machinery.
  row(pg_result* of, int number) noexcept : of_(of), number_(number) {}

 private:
  [[nodiscard]] detail::cell at(std::size_t column) const;
  [[nodiscard]] detail::cell at(std::string_view column) const;
  template <class... T, std::size_t... I>
  [[nodiscard]] std::tuple<T...> all(std::index_sequence<I...>) const {
    return {get<T>(I)...};
  }
  pg_result* of_;
  int number_;
};

/// The result of a statement: its rows, or how many it has changed.
///
///     const postgres::rows found = co_await shop.query("select name from users where id = $1", 7);
///     if (!found.empty()) log(found[0].get<std::string>("name"));
///     const postgres::rows counted = co_await shop.query("select count(*) from users");
///     use(counted.value<std::int64_t>(), counted.column_name(0));
///
/// Lifetime  a value; the rows that it gives, and their string_views, live as long as it.
class rows {
 public:
  /// Goes from row to row.
  class iterator {
   public:
    using value_type = row;
    using difference_type = std::ptrdiff_t;
    iterator() noexcept = default;
    iterator(pg_result* of, int number) noexcept : of_(of), number_(number) {}
    [[nodiscard]] row operator*() const noexcept { return {of_, number_}; }
    iterator& operator++() noexcept { return ++number_, *this; }
    iterator operator++(int) noexcept { return {of_, number_++}; }
    friend bool operator==(const iterator&, const iterator&) noexcept = default;

   private:
    pg_result* of_ = nullptr;
    int number_ = 0;
  };

  rows() noexcept = default;
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /// Throws errc::no_such_row.
  [[nodiscard]] row operator[](std::size_t number) const;
  [[nodiscard]] iterator begin() const noexcept { return {of_.get(), 0}; }
  [[nodiscard]] iterator end() const noexcept { return {of_.get(), static_cast<int>(size())}; }
  /// The only value: the first column of the only row. Throws errc::no_such_row if there is another number of
  /// rows.
  template <class T>
  [[nodiscard]] T value() const {
    return only().template get<T>(0);
  }

  [[nodiscard]] std::size_t columns() const noexcept;
  /// Throws errc::no_such_column.
  [[nodiscard]] std::string_view column_name(std::size_t column) const;
  /// How many rows the statement has selected, inserted, changed or removed; 0 for other statements.
  [[nodiscard]] std::uint64_t affected() const noexcept;
  /// What the server says it has done, such as "INSERT 0 1".
  [[nodiscard]] std::string_view status() const noexcept;

  // For the machinery.
  explicit rows(detail::result_ptr of) noexcept : of_(std::move(of)) {}

 private:
  [[nodiscard]] row only() const;
  detail::result_ptr of_;
};

}  // namespace braid::postgres
