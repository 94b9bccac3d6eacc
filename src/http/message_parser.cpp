#include "message_parser.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "text.hpp"

namespace braid::http::detail {

namespace {

// Chunk sizes, extensions and trailers may take this much, and so much for each byte of the body.
constexpr std::uint64_t most_framing = 64 << 10, framing_per_byte = 16;

// A character of a host, of its port, or of an IPv6 address.
bool is_host(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    constexpr std::string_view others = "-._~!$&'()*+;=:[]%";
    return is_letter(c) || is_digit(c) || others.find(c) != std::string_view::npos;
  });
}

// Does each line of the head end with CR LF, and does none continue the one before? llhttp accepts both.
bool has_right_lines(std::string_view head) noexcept {
  for (std::size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1)) {
    if (at == 0 || head[at - 1] != '\r') return false;
    if (at + 1 < head.size() && (head[at + 1] == ' ' || head[at + 1] == '\t')) return false;
  }
  return true;
}

}  // namespace

struct message_parser::callbacks {
  static int on_url(llhttp_t* one, const char* at, std::size_t size) {
    message_parser& self = of(one);
    if (self.target_size_ == 0) self.target_ = self.place(at);
    self.target_size_ = self.place(at + size) - self.target_;
    if (self.target_size_ > self.limits_.start_line) return self.fail(414, "the target is too long");
    return 0;
  }
  static int on_field(llhttp_t* one, const char* at, std::size_t size) { return of(one).on_field(at, size); }
  static int on_field_end(llhttp_t* one) {
    of(one).in_name_ = false;
    return 0;
  }
  static int on_value(llhttp_t* one, const char* at, std::size_t size) { return of(one).on_value(at, size); }
  static int on_value_end(llhttp_t* one) { return of(one).on_value_end(); }
  static int on_head_end(llhttp_t* one) { return of(one).on_head_end(); }
  static int on_body(llhttp_t* one, const char* at, std::size_t size) {
    message_parser& self = of(one);
    std::memmove(self.body_end_, at, size);
    self.body_end_ += size;
    return 0;
  }
  static int on_chunk(llhttp_t* one) {
    message_parser& self = of(one);
    const bool fits = one->content_length <= self.limits_.body;
    return fits ? 0 : self.fail(413, "a chunk of more bytes than the limit");
  }
  static int on_message_end(llhttp_t* one) {
    of(one).message_ended_ = true;
    return HPE_PAUSED;
  }
  static const llhttp_settings_t* settings() noexcept {
    static const llhttp_settings_t all = [] {
      llhttp_settings_t made;
      llhttp_settings_init(&made);
      made.on_url = on_url;
      made.on_header_field = on_field;
      made.on_header_field_complete = on_field_end;
      made.on_header_value = on_value;
      made.on_header_value_complete = on_value_end;
      made.on_headers_complete = on_head_end;
      made.on_body = on_body;
      made.on_chunk_header = on_chunk;
      made.on_message_complete = on_message_end;
      return made;
    }();
    return &all;
  }
};

message_parser::message_parser(llhttp_type_t kind, const head_limits& limits) noexcept : limits_(limits) {
  llhttp_init(&parser_, kind, callbacks::settings());
  parser_.data = this;
}

void message_parser::begin() noexcept {
  llhttp_reset(&parser_);
  entries_.clear();
  fed_ = head_size_ = fields_ = 0;
  content_length_ = body_bytes_ = framing_bytes_ = 0;
  target_ = target_size_ = 0;
  status_ = 0;
  why_ = "";
  hosts_ = codings_ = 0;
  in_name_ = named_ = has_head_ = message_ended_ = false;
  keeps_alive_ = expects_continue_ = has_body_ = false;
}

int message_parser::fail(int status, const char* why) noexcept {
  if (status_ == 0) {
    status_ = status;
    why_ = why;
  }
  return HPE_USER;
}

int message_parser::on_field(const char* at, std::size_t size) {
  if (!in_name_ && ++fields_ > limits_.fields) return fail(431, "too many fields");
  const bool is_new = !std::exchange(in_name_, true);
  if (has_head_) return 0;  // a trailer
  if (is_new) entries_.push_back({place(at), 0, 0, 0});
  headers::entry& last = entries_.back();
  last.name_size = place(at + size) - last.name;
  named_ = true;
  return 0;
}

int message_parser::on_value(const char* at, std::size_t size) {
  if (has_head_ || size == 0) return 0;
  if (!named_) return fail(400, "a field without a name");
  headers::entry& last = entries_.back();
  if (last.value_size == 0) last.value = place(at);
  last.value_size = place(at + size) - last.value;
  return 0;
}

int message_parser::on_value_end() noexcept {
  if (has_head_) return 0;
  if (!std::exchange(named_, false)) return fail(400, "a field without a name");
  headers::entry& last = entries_.back();
  last.value_size = static_cast<std::uint32_t>(trimmed(text(last.value, last.value_size)).size());
  return 0;
}

int message_parser::on_head_end() {
  has_head_ = true;
  parser_.upgrade = 0;  // no handler takes the connection over
  return HPE_PAUSED;
}

message_parser::state message_parser::parse_head(std::string_view arrived) {
  base_ = arrived.data();
  const llhttp_errno_t how = llhttp_execute(&parser_, base_ + fed_, arrived.size() - fed_);
  if (!has_head_) {
    fed_ = arrived.size();
    if (how != HPE_OK) return failed(how);
    if (arrived.size() < limits_.head) return state::more;
    fail(target_size_ != 0 && entries_.empty() ? 414 : 431, "the head is too long");
    return state::failed;
  }
  if (how != HPE_PAUSED) return failed(how);
  head_size_ = static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - base_);
  if (head_size_ > limits_.head) {
    fail(431, "the head is too long");
    return state::failed;
  }
  if (!has_right_lines(arrived.substr(0, head_size_))) {
    fail(400, "a bare line feed, or a field that goes on in the next line");
    return state::failed;
  }
  keeps_alive_ = llhttp_should_keep_alive(&parser_) != 0;
  content_length_ = (parser_.flags & F_CONTENT_LENGTH) != 0 ? parser_.content_length : 0;
  const bool right = accept_fields() && (parser_.type == HTTP_REQUEST ? accept_request() : accept_response());
  if (!right) return state::failed;
  has_body_ = is_chunked() || content_length_ > 0 || ends_with_connection();
  llhttp_resume(&parser_);
  return state::whole;
}

bool message_parser::accept_fields() {
  for (const headers::entry& at : entries_)
    if (!note_field(text(at.name, at.name_size), text(at.value, at.value_size))) return false;
  if (codings_ != 0 && (parser_.flags & F_CONTENT_LENGTH) != 0) {
    fail(400, "both Transfer-Encoding and Content-Length");
    return false;
  }
  return true;
}

// Looks at the fields that frame the message. Their names differ in length, so most fields are passed at
// once.
bool message_parser::note_field(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 0: fail(400, "a field without a name"); return false;
    case 4:
      if (!same_word(name, "host") || parser_.type != HTTP_REQUEST) return true;
      if (++hosts_ == 1 && is_host(value)) return true;
      fail(400, "not one right Host");
      return false;
    case 6:
      if (!same_word(name, "expect") || is_http_1_0() || parser_.type != HTTP_REQUEST) return true;
      expects_continue_ = same_word(value, "100-continue");
      if (expects_continue_) return true;
      fail(417, "an unknown expectation");
      return false;
    case 14:
      if (!same_word(name, "content-length")) return true;
      if (!value.empty() && std::all_of(value.begin(), value.end(), is_digit)) return true;
      fail(400, "Content-Length is no number");
      return false;
    case 17:
      if (!same_word(name, "transfer-encoding")) return true;
      if (++codings_ == 1 && same_word(value, "chunked") && !is_http_1_0()) return true;
      if (parser_.type == HTTP_RESPONSE && codings_ == 1 &&
          (same_word(value, "chunked") || same_word(value, "identity")))
        return true;
      fail(is_http_1_0() || codings_ > 1 ? 400 : 501, "a transfer coding other than chunked");
      return false;
    default: return true;
  }
}

bool message_parser::accept_request() {
  if (parser_.http_major != 1) {
    fail(505, "the version is not 1.0 or 1.1");
    return false;
  }
  if (hosts_ == 0 && !is_http_1_0()) {
    fail(400, "no Host");
    return false;
  }
  if (parser_.method == HTTP_CONNECT) {
    fail(501, "CONNECT");
    return false;
  }
  const std::string_view target = text(target_, target_size_);
  const bool is_star = target == "*" && parser_.method == HTTP_OPTIONS;
  const bool is_url = target.size() > 7 && (same_word(target.substr(0, 7), "http://") ||
                                            same_word(target.substr(0, 8), "https://"));
  if ((!target.starts_with('/') && !is_star && !is_url) || target.find('#') != std::string_view::npos) {
    fail(400, "the target is malformed");
    return false;
  }
  return true;
}

bool message_parser::accept_response() {
  if (parser_.http_major == 1 && parser_.status_code >= 100 && parser_.status_code <= 999) return true;
  fail(502, "the version is not 1.0 or 1.1, or the status not from 100 to 999");
  return false;
}

message_parser::state message_parser::failed(llhttp_errno_t how) noexcept {
  const char* const reason = llhttp_get_error_reason(&parser_);
  const char* const why = reason != nullptr && *reason != '\0' ? reason : llhttp_errno_name(how);
  if (how == HPE_INVALID_VERSION || how == HPE_PAUSED_H2_UPGRADE) {
    fail(505, why);
  } else if (how == HPE_INVALID_METHOD && base_ != nullptr) {
    // A method that llhttp does not know, or no method at all.
    const auto* const at = llhttp_get_error_pos(&parser_);
    const bool is_word = at != nullptr && (is_token({at, 1}) || *at == ' ');
    fail(is_word ? 501 : 400, why);
  } else {
    fail(400, why);
  }
  return state::failed;
}

bool message_parser::ends_with_connection() const noexcept {
  return parser_.type == HTTP_RESPONSE && llhttp_message_needs_eof(&parser_) != 0;
}

void message_parser::give_head(std::string_view arrived, request& to) {
  to.method.assign(llhttp_method_name(static_cast<llhttp_method_t>(parser_.method)));
  to.target.assign(arrived.substr(target_, target_size_));
  to.headers.text_.assign(arrived.substr(0, head_size_));
  to.headers.entries_.assign(entries_.begin(), entries_.end());
  to.is_http_1_0 = is_http_1_0();
}

void message_parser::give_head(std::string_view arrived, response& to) {
  to.status = parser_.status_code;
  to.headers.text_.assign(arrived.substr(0, head_size_));
  to.headers.entries_.assign(entries_.begin(), entries_.end());
}

message_parser::piece message_parser::parse_body(char* bytes, std::size_t size) {
  base_ = nullptr;
  body_end_ = bytes;
  const llhttp_errno_t how = llhttp_execute(&parser_, bytes, size);
  piece got;
  got.body = static_cast<std::size_t>(body_end_ - bytes);
  got.read = size;
  if (message_ended_) {
    got.how = state::whole;
    got.read = static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - bytes);
  } else if (how != HPE_OK) {
    got.how = failed(how);
  }
  body_bytes_ += got.body;
  framing_bytes_ += got.read - got.body;
  if (is_chunked() && framing_bytes_ > most_framing + framing_per_byte * body_bytes_) {
    fail(413, "the chunks are mostly framing");
    got.how = state::failed;
  }
  return got;
}

bool message_parser::end() noexcept {
  base_ = nullptr;
  const llhttp_errno_t how = llhttp_finish(&parser_);
  return message_ended_ || how == HPE_OK;
}

}  // namespace braid::http::detail
