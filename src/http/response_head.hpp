#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "braid/http/request.hpp"

namespace braid::http::detail {

/// The value of a Date field for now, made once a second.
[[nodiscard]] std::string_view current_date() noexcept;

enum class framing { none, length, chunked, until_end };

struct response_form {
  framing how;
  std::uint64_t length = 0;
  bool keeps_alive = true;
  bool to_http_1_0 = false;
};

/// Appends a status line and fields. The fields that form says are written from it alone.
void append_head(std::string& to, const response& from, const response_form& form);

template <int Base = 10>
void append_number(std::string& to, std::uint64_t n) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, n, Base).ptr;
  to.append(digits, end);
}

/// Appends a piece of a chunked body, or its end if the piece is empty.
inline void append_chunk(std::string& to, std::string_view piece) {
  append_number<16>(to, piece.size());
  to += "\r\n";
  to += piece;
  to += "\r\n";
}

}  // namespace braid::http::detail
