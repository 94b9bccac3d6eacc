#include "braid/redis/value.hpp"

#include <charconv>
#include <string>
#include <utility>

namespace braid::redis {

namespace {

const char* name_of(value::kind which) noexcept {
  switch (which) {
    case value::kind::nil: return "nil";
    case value::kind::integer: return "an integer";
    case value::kind::status: return "a status";
    case value::kind::bytes: return "bytes";
    case value::kind::array: return "an array";
    case value::kind::error: break;
  }
  return "an error";
}

template <class Number>
bool parse(std::string_view text, Number& number) noexcept {
  const auto [end, why] = std::from_chars(text.data(), text.data() + text.size(), number);
  return why == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

void value::is_no(const char* wanted) const {
  std::string what = std::string(wanted) + " of " + name_of(kind_);
  if (kind_ == kind::error) what += " (" + text() + ")";
  error(make_error_code(errc::unexpected_reply), "redis::value", std::move(what)).rethrow();
}

std::int64_t value::integer() const {
  if (kind_ != kind::integer) is_no("an integer");
  return std::get<std::int64_t>(content_);
}

const std::string& value::text() const& {
  const auto* const found = std::get_if<std::string>(&content_);
  if (found == nullptr) is_no("a text");
  return *found;
}
std::string value::text() && {
  (void)std::as_const(*this).text();
  return std::get<std::string>(std::move(content_));
}

const std::vector<value>& value::array() const& {
  if (kind_ != kind::array) is_no("an array");
  return std::get<std::vector<value>>(content_);
}
std::vector<value> value::array() && {
  (void)std::as_const(*this).array();
  return std::get<std::vector<value>>(std::move(content_));
}

std::int64_t value::as_integer() const {
  if (kind_ == kind::integer) return integer();
  std::int64_t number = 0;
  if ((kind_ != kind::bytes && kind_ != kind::status) || !parse(text(), number)) is_no("an integer");
  return number;
}
double value::as_double() const {
  if (kind_ == kind::integer) return static_cast<double>(integer());
  double number = 0;
  if ((kind_ != kind::bytes && kind_ != kind::status) || !parse(text(), number)) is_no("a number");
  return number;
}
bool value::as_bool() const {
  if (kind_ == kind::integer) return integer() != 0;
  if (kind_ != kind::status || text() != "OK") is_no("yes or no");
  return true;
}
std::string value::as_string() const {
  if (kind_ == kind::integer) return std::to_string(integer());
  if (kind_ == kind::error) is_no("a text");
  return text();
}
const std::vector<value>& value::pair() const {
  const std::vector<value>& both = array();
  if (both.size() != 2) is_no("a pair");
  return both;
}

std::string value::to_string() const {
  switch (kind_) {
    case kind::nil: return "(nil)";
    case kind::integer: return std::to_string(integer());
    case kind::status: return text();
    case kind::bytes: return '"' + text() + '"';
    case kind::error: return "(error) " + text();
    case kind::array: break;
  }
  std::string all = "[";
  for (const value& each : array()) {
    if (all.size() > 1) all += ", ";
    all += each.to_string();
  }
  return all + "]";
}

}  // namespace braid::redis
