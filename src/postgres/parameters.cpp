#include "braid/postgres/detail/parameters.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace braid::postgres::detail {

namespace {

template <class T>
std::string number_text(T value) {
  std::array<char, 64> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

template <class T>
std::string float_text(T value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return number_text(value);
}

// Years before 1 are written as those before Christ: there is no year 0.
std::string date_text(std::chrono::sys_days day, const char* time) {
  const std::chrono::year_month_day date(day);
  const int year = static_cast<int>(date.year());
  std::array<char, 96> text;
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02u%s%s", year > 0 ? year : 1 - year,
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time,
                                 year > 0 ? "" : " BC");
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::string text_of(bool value) { return value ? "t" : "f"; }
std::string text_of(std::int64_t value) { return number_text(value); }
std::string text_of(std::uint64_t value) { return number_text(value); }
std::string text_of(float value) { return float_text(value); }
std::string text_of(double value) { return float_text(value); }

std::string text_of(std::chrono::sys_days value) { return date_text(value, ""); }

std::string text_of(std::chrono::sys_time<std::chrono::microseconds> value) {
  const auto day = std::chrono::floor<std::chrono::days>(value);
  const std::chrono::hh_mm_ss clock(value - day);
  std::array<char, 48> time;
  std::snprintf(time.data(), time.size(), " %02d:%02d:%02d.%06d+00", static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return date_text(day, time.data());
}

std::string text_of(std::span<const std::byte> value) {
  std::string text = "\\x";
  text.reserve(2 + 2 * value.size());
  for (const std::byte each : value) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(each) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(each) & 15];
  }
  return text;
}

void parameters::add_null() { values_.push_back({{}, true, false}); }

// A text ends at its first zero byte on the way to the server, which would be another value.
void parameters::add_text(std::string text) {
  if (!fault_ && text.find('\0') != std::string::npos) {
    const std::string which = "parameter $" + std::to_string(values_.size() + 1);
    fault_ =
        invalid_argument_error("postgres", (which + " is a text with a zero byte: pass it as bytes").c_str());
  }
  values_.push_back({std::move(text), false, false});
}

void parameters::add_bytes(std::span<const std::byte> bytes) {
  values_.push_back({std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), false, true});
}

void parameters::add_quoted(std::string& array, std::string_view text) {
  array += '"';
  for (const char each : text) {
    if (each == '"' || each == '\\') array += '\\';
    array += each;
  }
  array += '"';
}

}  // namespace braid::postgres::detail
