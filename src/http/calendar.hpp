#pragma once

#include <array>

namespace braid::http::detail {

// The names of HTTP's dates, in English whatever the locale is.
inline constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
inline constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Writes so many digits of n, and returns where they end.
constexpr char* put_digits(char* to, int n, int digits) noexcept {
  for (int place = digits - 1; place >= 0; --place, n /= 10) to[place] = static_cast<char>('0' + n % 10);
  return to + digits;
}
constexpr char* put_text(char* to, const char* text) noexcept {
  while (*text != '\0') *to++ = *text++;
  return to;
}

}  // namespace braid::http::detail
