#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/result.hpp"
#include "braid/net/buffered_reader.hpp"
#include "braid/net/byte_stream.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// The lines of a text, as an async_range of std::string: what read_lines returns.
///
///     const file input = co_await open_file("/etc/hosts");
///     line_range<const file> lines(input, 1000);
///     if (const std::optional<std::string> first = co_await lines.next()) log(*first);
///
/// The last line may lack its newline. Where a line that was cut short must not look whole, use
/// buffered_reader.
///
/// Lifetime  the stream outlives it. What it has read ahead is lost with it.
/// Threads   its loop's; one next() at a time.
/// Errors    those of the stream; std::errc::message_size for a line longer than the limit.
/// Cancel    loses no line.
template <readable S>
class line_range {
 public:
  line_range(S& from, std::size_t limit)
      : reader_(std::make_unique<buffered_reader<S>>(from)), limit_(limit) {}

  /// The next line, without its end; empty after the last one.
  [[nodiscard]] task<std::optional<std::string>> next() { return next_of(*reader_, limit_); }

 private:
  static task<std::optional<std::string>> next_of(buffered_reader<S>& from, std::size_t limit) {
    auto reading = as_result(from.read_line(limit));
    result<std::optional<std::string>> line = co_await std::move(reading);
    if (line) co_return *std::move(line);
    if (line.error() != errc::end_of_stream) line.error().rethrow();
    std::optional<std::string> rest(from.buffered());
    if (rest->size() > limit) buffered_reader<S>::too_long("read_lines", limit);
    from.consume(rest->size());
    co_return rest;
  }

  std::unique_ptr<buffered_reader<S>> reader_;
  std::size_t limit_;
};

/// The lines of a file, a pipe or a terminal.
///
///     const file input = file::from_descriptor(::dup(0));  // the file closes its descriptor
///     auto lines = read_lines(input);
///     while (const std::optional<std::string> line = co_await lines.next()) log(*line);
template <readable S>
[[nodiscard]] line_range<S> read_lines(S& from, std::size_t limit = 1 << 20) {
  return line_range<S>(from, limit);
}

}  // namespace braid
