#include "response_head.hpp"

#include <ctime>

#include "braid/http/status.hpp"
#include "calendar.hpp"
#include "text.hpp"

namespace braid::http::detail {

namespace {

// "Sun, 06 Nov 1994 08:49:37 GMT"
void write_date(char* to, std::time_t at) noexcept {
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  to = put_text(to, days[static_cast<std::size_t>(parts.tm_wday)]);
  to = put_text(to, ", ");
  to = put_digits(to, parts.tm_mday, 2);
  to = put_text(to, " ");
  to = put_text(to, months[static_cast<std::size_t>(parts.tm_mon)]);
  to = put_text(to, " ");
  to = put_digits(to, parts.tm_year + 1900, 4);
  to = put_text(to, " ");
  to = put_digits(to, parts.tm_hour, 2);
  to = put_text(to, ":");
  to = put_digits(to, parts.tm_min, 2);
  to = put_text(to, ":");
  to = put_digits(to, parts.tm_sec, 2);
  put_text(to, " GMT");
}

// Is it one of the fields that the connection writes itself?
bool is_own(std::string_view name) noexcept {
  switch (name.size()) {
    case 4: return same_word(name, "date");
    case 10: return same_word(name, "connection");
    case 14: return same_word(name, "content-length");
    case 17: return same_word(name, "transfer-encoding");
    default: return false;
  }
}

}  // namespace

std::string_view current_date() noexcept {
  constexpr std::size_t size = 29;
  thread_local std::time_t known = -1;
  thread_local char text[size];
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != known) {
    known = now.tv_sec;
    write_date(text, known);
  }
  return {text, size};
}

void append_head(std::string& to, const response& from, const response_form& form) {
  if (from.status == 200) {
    to += "HTTP/1.1 200 OK\r\nDate: ";
  } else {
    to += "HTTP/1.1 ";
    append_number(to, static_cast<std::uint64_t>(from.status));
    to += ' ';
    to += reason_of(from.status);
    to += "\r\nDate: ";
  }
  to += current_date();
  if (form.how == framing::length) {
    to += "\r\nContent-Length: ";
    append_number(to, form.length);
  } else if (form.how == framing::chunked) {
    to += "\r\nTransfer-Encoding: chunked";
  }
  if (!form.keeps_alive)
    to += "\r\nConnection: close";
  else if (form.to_http_1_0)
    to += "\r\nConnection: keep-alive";
  for (const auto& [name, value] : from.headers) {
    if (is_own(name)) continue;
    to += "\r\n";
    to += name;
    to += ": ";
    to += value;
  }
  to += "\r\n\r\n";
}

}  // namespace braid::http::detail
