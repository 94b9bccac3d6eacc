#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/net/byte_stream.hpp"
#include "braid/net/detail/one_at_a_time.hpp"
#include "braid/net/detail/read_buffer.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// Reads lines, parts up to a delimiter, and exact numbers of bytes from a stream, whose bytes arrive in
/// pieces of any size. What it reads ahead stays in it for the next call.
///
///     tcp::stream peer = co_await tcp::connect(endpoint::loopback(8080));
///     buffered_reader from(peer);
///     while (const std::optional<std::string> line = co_await from.read_line(1000)) log(*line);
///
/// Every read has a limit, so that a peer that never ends its line takes no more memory than that.
///
/// Lifetime  the stream outlives the reader, and the reader its operations. Nobody else reads the stream.
/// Threads   its loop's; one operation at a time.
/// Errors    those of the stream. std::errc::message_size if the limit is reached, and errc::end_of_stream if
///           the stream ends in the middle; the bytes stay in the reader. std::logic_error for a second
///           operation at a time.
/// Cancel    loses no byte: what was read stays in the reader.
/// Cost      one buffer of 4 KiB, which grows to the limit where that is needed, and is given back when it is
///           empty and larger than 64 KiB. A read whose bytes are in the buffer makes no system call.
template <readable S>
class buffered_reader : pinned {
 public:
  explicit buffered_reader(S& from) noexcept : from_(from) {}

  /// The next line, without its end, "\n" or "\r\n". Empty when the stream ends instead of a line; if it ends
  /// within a line, errc::end_of_stream: what looks whole may be cut short. The rest is in buffered().
  [[nodiscard]] task<std::optional<std::string>> read_line(std::size_t limit) {
    const auto alone = begin();
    search newline{"\n", std::min(limit, no_limit), 1, "buffered_reader::read_line"};
    while (!found(newline)) {
      const std::size_t got = co_await fill(newline.most());
      if (got == 0 && buffered().empty()) co_return std::nullopt;
      if (got == 0) ended_early(newline.call);
    }
    std::string_view line = buffered().substr(0, newline.at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > limit) newline.too_long();
    std::optional<std::string> whole(line);
    consume(newline.at + 1);
    co_return whole;
  }

  /// The bytes up to the delimiter, which is left out and skipped. Empty when the stream ends instead; if it
  /// ends before the delimiter, errc::end_of_stream.
  ///
  ///     buffered_reader from(peer);
  ///     const std::optional<std::string> head = co_await from.read_until("\r\n\r\n", 8192);
  ///     if (head) log(*head);
  ///
  /// Errors  std::invalid_argument for an empty delimiter.
  [[nodiscard]] task<std::optional<std::string>> read_until(std::string delimiter, std::size_t limit) {
    const auto alone = begin();
    if (delimiter.empty())
      invalid_argument_error("buffered_reader::read_until", "the delimiter is empty").rethrow();
    search end{delimiter, std::min(limit, no_limit), 0, "buffered_reader::read_until"};
    while (!found(end)) {
      const std::size_t got = co_await fill(end.most());
      if (got == 0 && buffered().empty()) co_return std::nullopt;
      if (got == 0) ended_early(end.call);
    }
    std::optional<std::string> part(buffered().substr(0, end.at));
    consume(end.at + delimiter.size());
    co_return part;
  }

  /// Fills all of `to`. If it fails or is cancelled, the bytes that had arrived are in the reader, which so
  /// needs room for all of them: read much with read_some.
  [[nodiscard]] task<> read_exactly(writable_bytes to) {
    const auto alone = begin();
    co_await fill_to(to.size(), "buffered_reader::read_exactly");
    take(to);
  }

  /// The next n bytes, which stay in the reader. The view is valid until the next operation or consume.
  [[nodiscard]] task<std::string_view> peek(std::size_t n) {
    const auto alone = begin();
    co_await fill_to(n, "buffered_reader::peek");
    co_return buffered().substr(0, n);
  }

  /// Reads at most to.size() bytes, as soon as there are any; 0 at the end. So a reader is readable, too.
  [[nodiscard]] task<std::size_t> read_some(writable_bytes to) {
    const auto alone = begin();
    if (buffered().empty()) {
      if (to.size() >= detail::read_buffer::first_size) co_return co_await from_.read_some(to);
      if (to.size() == 0 || co_await fill(detail::read_buffer::first_size) == 0) co_return 0;
    }
    co_return take(to);
  }

  /// What was read and not consumed. The view is valid until the next operation or consume.
  [[nodiscard]] std::string_view buffered() const noexcept { return buffer_.filled(); }
  /// Skips n bytes, at most buffered().size().
  void consume(std::size_t n) noexcept { buffer_.consume(std::min(n, buffered().size())); }

 private:
  template <readable>
  friend class line_range;
  static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max() / 4;

  // For a delimiter that begins at most `limit` bytes from here, and `slack` more.
  struct search {
    [[nodiscard]] std::size_t most() const noexcept { return limit + slack + delimiter.size(); }
    [[noreturn]] void too_long() const { buffered_reader::too_long(call, limit); }
    std::string_view delimiter;
    std::size_t limit;
    std::size_t slack;
    const char* call;
    std::size_t at = 0;  // first where to go on, then where the delimiter is
  };

  [[noreturn]] static void too_long(const char* call, std::size_t limit) {
    error(std::make_error_code(std::errc::message_size), call, "(limit " + std::to_string(limit) + " bytes)")
        .rethrow();
  }
  [[nodiscard]] detail::one_at_a_time begin() {
    return detail::one_at_a_time(busy_, "buffered_reader: one operation at a time");
  }
  // One read of what there is; how much, 0 at the end.
  task<std::size_t> fill(std::size_t most) {
    const std::size_t got = co_await from_.read_some(buffer_.room(most));
    buffer_.commit(got);
    co_return got;
  }
  task<> fill_to(std::size_t size, const char* call) {
    while (buffered().size() < size) {
      const std::size_t got = co_await fill(size);  // before the `if`: docs/compilers.md
      if (got == 0) ended_early(call);
    }
  }
  // In what was read. False if more must be read.
  [[nodiscard]] bool found(search& what) const {
    const std::string_view from = buffered();
    const std::size_t at = from.find(what.delimiter, what.at);
    if (at <= what.limit + what.slack) {
      what.at = at;
      return true;
    }
    if (at != std::string_view::npos || from.size() >= what.most()) what.too_long();
    what.at = from.size() - std::min(from.size(), what.delimiter.size() - 1);
    return false;
  }
  std::size_t take(writable_bytes to) noexcept {
    const std::size_t taken = std::min(to.size(), buffered().size());
    if (taken != 0) std::memcpy(to.data(), buffered().data(), taken);
    consume(taken);
    return taken;
  }
  [[noreturn]] void ended_early(const char* call) const {
    error(make_error_code(errc::end_of_stream), call).rethrow();
  }

  S& from_;
  detail::read_buffer buffer_;
  bool busy_ = false;
};

}  // namespace braid
