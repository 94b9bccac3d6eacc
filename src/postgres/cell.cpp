#include "braid/postgres/detail/cell.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <string>

#include "braid/postgres/error.hpp"
#include "types.hpp"

namespace braid::postgres::detail {

namespace {

using std::chrono::days;
using std::chrono::microseconds;
using std::chrono::sys_days;

constexpr sys_days first_day{std::chrono::year(2000) / 1 / 1};  // from which PostgreSQL counts

std::string described(const cell& from, const std::string& what) {
  return "column \"" + std::string(from.column) + "\" is " + what;
}

[[noreturn]] void refuse_type(const cell& from, const char* wanted) {
  std::string what = type_name(from.type) + (from.is_binary ? " (binary)" : "") + ", not " + wanted;
  error(errc::wrong_type, "postgres::row::get", described(from, what)).rethrow();
}

[[noreturn]] void refuse_value(const cell& from, const char* wanted) {
  const std::string shown(from.is_binary ? "" : from.bytes.substr(0, 40));
  std::string what = type_name(from.type) + (shown.empty() ? "" : " " + shown) + ", which is no " + wanted;
  error(errc::out_of_range, "postgres::row::get", described(from, what)).rethrow();
}

// The number of this size in network order at the front of the bytes; takes it off.
template <class T>
T take(std::string_view& bytes, const cell& from) {
  if (bytes.size() < sizeof(T)) refuse_value(from, "whole value");
  std::uint64_t number = 0;
  for (std::size_t n = 0; n != sizeof(T); ++n) number = number << 8 | static_cast<unsigned char>(bytes[n]);
  bytes.remove_prefix(sizeof(T));
  return static_cast<T>(number);
}
template <class T>
T whole(const cell& from) {
  std::string_view bytes = from.bytes;
  const T number = take<T>(bytes, from);
  if (!bytes.empty()) refuse_value(from, "whole value");
  return number;
}

// A decimal number at the front of the text.
template <class T>
bool take_number(std::string_view& text, T& number) {
  const auto [end, why] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (why != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}
bool take_letter(std::string_view& text, char letter) {
  if (!text.starts_with(letter)) return false;
  text.remove_prefix(1);
  return true;
}

// "2026-12-01", as far as the date goes.
bool take_date(std::string_view& text, sys_days& day, bool before_christ) {
  int year = 0;
  unsigned month = 0, of_month = 0;
  if (!take_number(text, year) || !take_letter(text, '-') || !take_number(text, month) ||
      !take_letter(text, '-') || !take_number(text, of_month))
    return false;
  const std::chrono::year_month_day date(std::chrono::year(before_christ ? 1 - year : year),
                                         std::chrono::month(month), std::chrono::day(of_month));
  if (year > 32767 || !date.ok()) return false;
  day = date;
  return true;
}

// "12:34:56.789", of which only the hours must be there.
bool take_time(std::string_view& text, microseconds& time) {
  int hours = 0, minutes = 0, seconds = 0;
  if (!take_number(text, hours)) return false;
  if (take_letter(text, ':') && !take_number(text, minutes)) return false;
  if (take_letter(text, ':') && !take_number(text, seconds)) return false;
  time = std::chrono::hours(hours) + std::chrono::minutes(minutes) + std::chrono::seconds(seconds);
  if (!take_letter(text, '.')) return true;
  std::int64_t unit = 100000;
  for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1), unit /= 10)
    time += microseconds((text[0] - '0') * unit);
  return true;
}

bool ends_before_christ(std::string_view& text) {
  if (!text.ends_with(" BC")) return false;
  text.remove_suffix(3);
  return true;
}

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

// bytea_output = hex: "\x4142".
bool read_hex(std::string_view text, std::vector<std::byte>& into) {
  if (text.size() % 2 != 0) return false;
  into.reserve(text.size() / 2);
  for (std::size_t n = 0; n != text.size(); n += 2) {
    const int high = hex_digit(text[n]), low = hex_digit(text[n + 1]);
    if (high < 0 || low < 0) return false;
    into.push_back(static_cast<std::byte>(high << 4 | low));
  }
  return true;
}
// bytea_output = escape: "A\\B\001".
bool read_escaped(std::string_view text, std::vector<std::byte>& into) {
  while (!text.empty()) {
    if (text[0] != '\\') {
      into.push_back(static_cast<std::byte>(text[0]));
      text.remove_prefix(1);
    } else if (text.starts_with("\\\\")) {
      into.push_back(static_cast<std::byte>('\\'));
      text.remove_prefix(2);
    } else {
      unsigned octal = 0;
      if (text.size() < 4 ||
          std::from_chars(text.data() + 1, text.data() + 4, octal, 8).ptr != text.data() + 4)
        return false;
      into.push_back(static_cast<std::byte>(octal));
      text.remove_prefix(4);
    }
  }
  return true;
}

// A floating-point number of a text, which may be NaN or Infinity.
template <class T>
T float_of_text(const cell& from) {
  T value = 0;
  std::string_view text = from.bytes;
  if (text == "NaN") return std::numeric_limits<T>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<T>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<T>::infinity();
  if (!take_number(text, value) || !text.empty()) refuse_value(from, "floating-point number");
  return value;
}

bool is_integer(unsigned type) {
  return type == oid::int2 || type == oid::int4 || type == oid::int8 || type == oid::oid;
}

std::int64_t binary_integer(const cell& from) {
  switch (from.type) {
    case oid::int2: return whole<std::int16_t>(from);
    case oid::int4: return whole<std::int32_t>(from);
    case oid::oid: return whole<std::uint32_t>(from);
    default: return whole<std::int64_t>(from);
  }
}

}  // namespace

void refuse_null(const cell& from) {
  error(errc::unexpected_null, "postgres::row::get", described(from, type_name(from.type))).rethrow();
}

bool read_bool(const cell& from) {
  if (from.type != oid::boolean) refuse_type(from, "bool");
  if (from.is_binary) return whole<std::uint8_t>(from) != 0;
  if (from.bytes != "t" && from.bytes != "f") refuse_value(from, "bool");
  return from.bytes == "t";
}

std::int64_t read_integer(const cell& from, std::int64_t least, std::int64_t most) {
  std::int64_t number = 0;
  if (from.is_binary && is_integer(from.type)) {
    number = binary_integer(from);
  } else if (!from.is_binary && (is_integer(from.type) || from.type == oid::numeric)) {
    std::string_view text = from.bytes;
    if (!take_number(text, number)) refuse_value(from, "integer of this size");
    if (take_letter(text, '.')) text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
    if (!text.empty()) refuse_value(from, "integer");
  } else {
    refuse_type(from, "an integer");
  }
  if (number < least || number > most) refuse_value(from, "integer of this size");
  return number;
}

double read_double(const cell& from) {
  if (!from.is_binary) {
    if (from.type != oid::float8 && from.type != oid::float4 && from.type != oid::numeric &&
        !is_integer(from.type))
      refuse_type(from, "a floating-point number");
    return float_of_text<double>(from);
  }
  if (from.type == oid::float8) return std::bit_cast<double>(whole<std::uint64_t>(from));
  if (from.type == oid::float4) return std::bit_cast<float>(whole<std::uint32_t>(from));
  if (!is_integer(from.type)) refuse_type(from, "a floating-point number");
  return static_cast<double>(binary_integer(from));
}

float read_float(const cell& from) {
  if (!from.is_binary && from.type == oid::float4) return float_of_text<float>(from);
  const double wide = read_double(from);
  const float narrow = static_cast<float>(wide);
  if (std::isinf(narrow) && !std::isinf(wide)) refuse_value(from, "float");
  return narrow;
}

std::string_view read_text(const cell& from) {
  if (!from.is_binary) return from.bytes;
  switch (from.type) {
    case oid::text:
    case oid::varchar:
    case oid::bpchar:
    case oid::name:
    case oid::json:
    case oid::unknown: return from.bytes;
    case oid::jsonb:
      if (!from.bytes.starts_with('\1')) refuse_value(from, "jsonb of a known version");
      return from.bytes.substr(1);
    default: refuse_type(from, "a text: ask for results as text, or cast it");
  }
}

std::vector<std::byte> read_bytes(const cell& from) {
  if (from.type != oid::bytea) refuse_type(from, "bytea");
  std::vector<std::byte> made;
  if (from.is_binary) {
    const auto* begin = reinterpret_cast<const std::byte*>(from.bytes.data());
    made.assign(begin, begin + from.bytes.size());
  } else if (const bool whole = from.bytes.starts_with("\\x") ? read_hex(from.bytes.substr(2), made)
                                                              : read_escaped(from.bytes, made);
             !whole) {
    refuse_value(from, "bytea");
  }
  return made;
}

std::chrono::sys_time<microseconds> read_timestamp(const cell& from) {
  if (from.type != oid::timestamp && from.type != oid::timestamptz) refuse_type(from, "a timestamp");
  constexpr const char* wanted = "timestamp (as text it must be in DateStyle ISO)";
  if (from.is_binary) {
    const auto count = whole<std::int64_t>(from);
    constexpr microseconds::rep first = microseconds(first_day.time_since_epoch()).count();
    if (count == std::numeric_limits<std::int64_t>::min() ||
        count > std::numeric_limits<std::int64_t>::max() - first)
      refuse_value(from, wanted);  // -infinity and infinity
    return first_day + microseconds(count);
  }
  std::string_view text = from.bytes;
  sys_days day;
  microseconds time{}, east{};
  const bool before_christ = ends_before_christ(text);
  if (!take_date(text, day, before_christ) || !take_letter(text, ' ') || !take_time(text, time))
    refuse_value(from, wanted);
  if (const bool is_east = text.starts_with('+'); is_east || text.starts_with('-')) {
    text.remove_prefix(1);
    if (!take_time(text, east)) refuse_value(from, wanted);
    if (!is_east) east = -east;
  }
  if (!text.empty()) refuse_value(from, wanted);
  return day + time - east;
}

sys_days read_date(const cell& from) {
  if (from.type != oid::date) refuse_type(from, "a date");
  sys_days day;
  if (from.is_binary) {
    const auto count = whole<std::int32_t>(from);
    day = first_day + days(count);
    const std::chrono::year_month_day date(day);
    const bool infinite = count == std::numeric_limits<std::int32_t>::max() ||
                          count == std::numeric_limits<std::int32_t>::min();
    if (infinite || sys_days(date) != day) refuse_value(from, "date that std::chrono has");
    return day;
  }
  std::string_view text = from.bytes;
  const bool before_christ = ends_before_christ(text);
  if (!take_date(text, day, before_christ) || !text.empty())
    refuse_value(from, "date (as text it must be in DateStyle ISO)");
  return day;
}

namespace {

elements binary_array(const cell& from) {
  std::string_view bytes = from.bytes;
  const auto dimensions = take<std::int32_t>(bytes, from);
  (void)take<std::int32_t>(bytes, from);  // whether there are nulls
  elements made;
  made.type = take<std::uint32_t>(bytes, from);
  if (dimensions == 0) return made;
  if (dimensions != 1) refuse_value(from, "array of one dimension");
  auto count = take<std::int32_t>(bytes, from);
  (void)take<std::int32_t>(bytes, from);  // the number of the first
  for (; count > 0; --count) {
    const auto size = take<std::int32_t>(bytes, from);
    if (size >= 0 && static_cast<std::size_t>(size) > bytes.size()) refuse_value(from, "whole array");
    const std::string_view part = bytes.substr(0, size < 0 ? 0 : static_cast<std::size_t>(size));
    made.all.push_back({std::string(part), size < 0});
    bytes.remove_prefix(part.size());
  }
  return made;
}

// "\"a b\"" or "a", up to the comma or the brace behind it.
bool take_element(std::string_view& text, elements::one& into) {
  const bool quoted = take_letter(text, '"');
  while (!text.empty() && (quoted ? text[0] != '"' : text[0] != ',' && text[0] != '}')) {
    if (text[0] == '\\') text.remove_prefix(1);
    if (text.empty()) return false;
    into.bytes += text[0];
    text.remove_prefix(1);
  }
  into.is_null = !quoted && into.bytes == "NULL";
  return quoted ? take_letter(text, '"') : !into.bytes.empty();
}

elements text_array(const cell& from) {
  elements made;
  made.type = element_type(from.type);
  std::string_view text = from.bytes;
  if (text.starts_with('[')) text.remove_prefix(std::min(text.find('=') + 1, text.size()));  // "[0:1]={1,2}"
  bool good = take_letter(text, '{') && !text.starts_with('{');
  if (!good) refuse_value(from, "array of one dimension");
  while (good && text != "}") {
    made.all.emplace_back();
    good = take_element(text, made.all.back()) && (text == "}" || (take_letter(text, ',') && text != "}"));
  }
  if (!good) refuse_value(from, "array");
  return made;
}

}  // namespace

elements read_array(const cell& from) {
  if (element_type(from.type) == 0) refuse_type(from, "an array of a known type");
  return from.is_binary ? binary_array(from) : text_array(from);
}

}  // namespace braid::postgres::detail
