#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/http/headers.hpp"
#include "braid/http/request.hpp"

namespace braid::http::detail {

struct head_limits {
  std::size_t start_line;  // of the target
  std::size_t head;  // of all bytes up to the empty line
  std::size_t fields;
  std::uint64_t body = UINT64_MAX;  // of one chunk
};

// Reads one message after the other with llhttp, which it asks to be strict. The head lies in one piece of
// memory, which may move between two calls; so a name or a value is a place in it. The parser refuses more
// than llhttp does: everything that two readers might understand in two ways.
class message_parser : pinned {
 public:
  message_parser(llhttp_type_t kind, const head_limits& limits) noexcept;

  enum class state { more, whole, failed };

  /// Forgets the last message.
  void begin() noexcept;
  /// Reads a head: `arrived` has all bytes since begin(), those of earlier calls first.
  [[nodiscard]] state parse_head(std::string_view arrived);
  /// So many bytes of `arrived` were the head.
  [[nodiscard]] std::size_t head_size() const noexcept { return head_size_; }
  /// After a failure: the status to answer with, and the reason for the log.
  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] const char* why() const noexcept { return why_; }

  // After parse_head has read the whole head.
  void give_head(std::string_view arrived, request& to);
  void give_head(std::string_view arrived, response& to);
  [[nodiscard]] bool keeps_alive() const noexcept { return keeps_alive_; }
  [[nodiscard]] bool is_http_1_0() const noexcept { return parser_.http_minor == 0; }
  [[nodiscard]] int response_status() const noexcept { return parser_.status_code; }
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
  [[nodiscard]] bool is_chunked() const noexcept { return (parser_.flags & F_CHUNKED) != 0; }
  /// A response without a length, which its connection's end ends.
  [[nodiscard]] bool ends_with_connection() const noexcept;
  /// The length of a body that is not chunked.
  [[nodiscard]] std::uint64_t content_length() const noexcept { return content_length_; }
  [[nodiscard]] bool has_body() const noexcept { return has_body_; }
  /// For the response to HEAD and the like, which has no body whatever its head says.
  void expect_no_body() noexcept { has_body_ = false; }

  struct piece {
    std::size_t read = 0;  // so many bytes were read
    std::size_t body = 0;  // and so many of the body now lie at the beginning
    state how = state::more;
  };
  /// Reads a part of the body, and moves the bytes of the body to the beginning of `bytes`.
  [[nodiscard]] piece parse_body(char* bytes, std::size_t size);
  /// The connection has ended. True if the message is whole.
  [[nodiscard]] bool end() noexcept;

 private:
  static message_parser& of(llhttp_t* one) noexcept { return *static_cast<message_parser*>(one->data); }
  struct callbacks;
  int fail(int status, const char* why) noexcept;
  int on_field(const char* at, std::size_t size);
  int on_value(const char* at, std::size_t size);
  int on_value_end() noexcept;
  int on_head_end();
  [[nodiscard]] state failed(llhttp_errno_t how) noexcept;
  [[nodiscard]] bool accept_request();
  [[nodiscard]] bool accept_response();
  [[nodiscard]] bool accept_fields();
  [[nodiscard]] bool note_field(std::string_view name, std::string_view value);
  [[nodiscard]] std::string_view text(std::uint32_t at, std::uint32_t size) const noexcept {
    return {base_ + at, size};
  }
  [[nodiscard]] std::uint32_t place(const char* at) const noexcept {
    return static_cast<std::uint32_t>(at - base_);
  }

  const head_limits limits_;
  llhttp_t parser_;
  std::vector<headers::entry> entries_;
  // of the message
  std::size_t fed_ = 0, head_size_ = 0, fields_ = 0;
  std::uint64_t content_length_ = 0, body_bytes_ = 0, framing_bytes_ = 0;
  std::uint32_t target_ = 0, target_size_ = 0;
  int status_ = 0;
  const char* why_ = "";
  int hosts_ = 0, codings_ = 0;
  bool in_name_ = false, named_ = false, has_head_ = false, message_ended_ = false;
  bool keeps_alive_ = false, expects_continue_ = false, has_body_ = false;
  // of the call
  const char* base_ = nullptr;
  char* body_end_ = nullptr;
};

}  // namespace braid::http::detail
