#include "braid/http/access_log.hpp"

#include <array>
#include <ctime>
#include <string_view>

#include "calendar.hpp"

namespace braid::http {

namespace {

// Without the port, and without the brackets that keep an IPv6 address apart from it.
std::string address_of(const endpoint& peer) {
  std::string text = peer.unmapped().to_string();
  text.resize(text.rfind(':'));
  if (text.starts_with('[')) text = text.substr(1, text.size() - 2);
  return text;
}

// "01/Dec/2026:08:15:30 +0000"
void append_time(std::string& to, std::time_t at) {
  using namespace detail;
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  std::array<char, 20> text;
  char* end = put_digits(text.data(), parts.tm_mday, 2);
  *end++ = '/';
  end = put_text(end, months[static_cast<std::size_t>(parts.tm_mon)]);
  *end++ = '/';
  end = put_digits(end, parts.tm_year + 1900, 4);
  for (const int each : {parts.tm_hour, parts.tm_min, parts.tm_sec}) {
    *end++ = ':';
    end = put_digits(end, each, 2);
  }
  to.append(text.data(), end);
  to += " +0000";
}

void append_escaped(std::string& to, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      to += "\\x";
      to += hex[byte >> 4];
      to += hex[byte & 15];
    } else {
      if (c == '"' || c == '\\') to += '\\';
      to += c;
    }
  }
}

}  // namespace

std::string to_common_log(const access& done, std::chrono::system_clock::time_point at) {
  const request& asked = done.asked;
  std::string line = asked.peer ? address_of(*asked.peer) : "-";
  line += " - - [";
  append_time(line, std::chrono::system_clock::to_time_t(at));
  line += "] \"";
  if (asked.method.empty()) {
    line += '-';
  } else {
    append_escaped(line, asked.method);
    line += ' ';
    append_escaped(line, asked.target);
    line += asked.is_http_1_0 ? " HTTP/1.0" : " HTTP/1.1";
  }
  line += "\" " + std::to_string(done.status) + ' ';
  line += done.body_bytes == 0 ? "-" : std::to_string(done.body_bytes);
  return line;
}

}  // namespace braid::http
