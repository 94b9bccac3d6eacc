#include "braid/postgres/rows.hpp"

#include <libpq-fe.h>

#include <charconv>
#include <cstring>

#include "braid/postgres/error.hpp"

namespace braid::postgres {

void detail::result_deleter::operator()(pg_result* one) const noexcept { PQclear(one); }

namespace {

[[noreturn]] void refuse_column(std::string which, const pg_result* of) {
  which = "column " + which + " of " + std::to_string(PQnfields(of));
  error(errc::no_such_column, "postgres::row", std::move(which)).rethrow();
}

}  // namespace

detail::cell row::at(std::size_t column) const {
  if (column >= static_cast<std::size_t>(PQnfields(of_))) refuse_column(std::to_string(column), of_);
  const int field = static_cast<int>(column);
  return {{PQgetvalue(of_, number_, field), static_cast<std::size_t>(PQgetlength(of_, number_, field))},
          PQftype(of_, field),
          PQfformat(of_, field) == 1,
          PQgetisnull(of_, number_, field) == 1,
          PQfname(of_, field)};
}

// The first column of that name. PQfnumber would fold the case of names without quotes.
detail::cell row::at(std::string_view column) const {
  for (int field = 0; field < PQnfields(of_); ++field)
    if (column == PQfname(of_, field)) return at(static_cast<std::size_t>(field));
  refuse_column('"' + std::string(column) + '"', of_);
}

std::size_t rows::size() const noexcept { return static_cast<std::size_t>(PQntuples(of_.get())); }
std::size_t rows::columns() const noexcept { return static_cast<std::size_t>(PQnfields(of_.get())); }

row rows::operator[](std::size_t number) const {
  if (number >= size()) {
    std::string which = "row " + std::to_string(number) + " of " + std::to_string(size());
    error(errc::no_such_row, "postgres::rows", std::move(which)).rethrow();
  }
  return {of_.get(), static_cast<int>(number)};
}

row rows::only() const {
  if (size() != 1)
    error(errc::no_such_row, "postgres::rows::value", std::to_string(size()) + " rows in place of one")
        .rethrow();
  return {of_.get(), 0};
}

std::string_view rows::column_name(std::size_t column) const {
  if (column >= columns()) refuse_column(std::to_string(column), of_.get());
  return PQfname(of_.get(), static_cast<int>(column));
}

std::uint64_t rows::affected() const noexcept {
  const char* text = of_ == nullptr ? "" : PQcmdTuples(of_.get());
  std::uint64_t count = 0;
  std::from_chars(text, text + std::strlen(text), count);
  return count;
}

std::string_view rows::status() const noexcept { return of_ == nullptr ? "" : PQcmdStatus(of_.get()); }

}  // namespace braid::postgres
