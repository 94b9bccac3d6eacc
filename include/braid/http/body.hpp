#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "braid/http/detail/body_source.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/task.hpp"

namespace braid::http {

/// The content of a request or a response: an async range of strings, each a piece as it arrives, or a string
/// that is there as a whole.
///
///     task<http::response> count(http::request& asked) {
///       std::size_t size = 0;
///       while (const auto piece = co_await asked.body.next()) size += piece->size();
///       co_return http::response(200, std::to_string(size));
///     }
///
/// A body that is sent may be any async range of bytes:
///
///     http::body lines(async_generator<std::string> from) { return http::body::from(std::move(from)); }
///
/// Lifetime  that of a request which a handler gets ends with the connection's response; it may be moved into
///           the response, as a proxy does.
/// Errors    next() of a received body fails with errc::end_of_stream if the sender has gone in the middle;
///           with a status_error of 413 over the limit of bytes, and of 400 if the framing is wrong.
/// Cancel    a cancelled next() loses no byte of a received body.
class body {
 public:
  body() = default;
  body(std::string whole) : whole_(std::move(whole)) {}
  body(const char* whole) : whole_(whole) {}
  explicit body(std::unique_ptr<detail::body_source, detail::leave_source> source) noexcept
      : source_(std::move(source)) {}
  /// The elements of the range, which may be of any contiguous bytes. With a size the receiver learns it; a
  /// range that gives more or less then breaks the connection.
  template <async_range Range>
  [[nodiscard]] static body from(Range range, std::optional<std::uint64_t> size = std::nullopt) {
    using source = detail::range_source<Range>;
    return body(
        std::unique_ptr<detail::body_source, detail::leave_source>(new source(std::move(range), size)));
  }

  /// A sender of std::optional<std::string>: the next piece, or empty at the end.
  [[nodiscard]] task<std::optional<std::string>> next();
  /// All that is left, as one string. Fails with a status_error of 413 if that is more than `limit` bytes.
  ///
  ///     task<http::response> greet(http::request& asked) {
  ///       const std::string name = co_await asked.body.text(1000);
  ///       co_return http::response(200, "hello, " + name);
  ///     }
  [[nodiscard]] task<std::string> text(std::size_t limit);

  /// How many bytes are left, if that is known.
  [[nodiscard]] std::optional<std::uint64_t> size() const noexcept {
    return source_ ? source_->left() : whole_.size();
  }
  /// The string, if the body was made of one; null if it is streamed.
  [[nodiscard]] std::string* whole() noexcept { return source_ ? nullptr : &whole_; }
  [[nodiscard]] const std::string* whole() const noexcept { return source_ ? nullptr : &whole_; }

 private:
  std::string whole_;
  std::unique_ptr<detail::body_source, detail::leave_source> source_;
};

}  // namespace braid::http
