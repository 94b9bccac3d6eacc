#pragma once

#include <unistd.h>

#include <cstdint>

#include "braid/fs/file.hpp"

namespace braid {

/// A file whose descriptor belongs to somebody else: it is never closed here. It may be a file, a pipe or a
/// terminal, and keeps its mode: O_NONBLOCK, which other processes would see, is not set.
///
///     const borrowed_file log_of_library(2);
///     co_await log_of_library.write_all("hello\n");
///
/// Lifetime  the descriptor stays open until the last operation has ended.
/// Threads   those of file. Operations on one number keep their order, through whichever borrowed_file.
/// Errors    those of file.
/// Cancel    as file: a read that is cancelled while it waits has taken nothing.
class borrowed_file {
 public:
  explicit borrowed_file(int number) noexcept : file_(file::from_descriptor(number)) {}
  borrowed_file(borrowed_file&&) = default;
  borrowed_file& operator=(borrowed_file&&) = delete;
  ~borrowed_file() { (void)file_.release(); }

  /// The descriptor's number; -1 after a move.
  [[nodiscard]] int number() const noexcept { return file_.number(); }
  /// See file.
  [[nodiscard]] auto read_some(writable_bytes to) const noexcept { return file_.read_some(to); }
  [[nodiscard]] auto read_exactly(writable_bytes to) const noexcept { return file_.read_exactly(to); }
  [[nodiscard]] auto write_some(readable_bytes from) const noexcept { return file_.write_some(from); }
  [[nodiscard]] auto write_all(readable_bytes from) const noexcept { return file_.write_all(from); }

  // For copy: see file.
  using splices = borrowed_file;
  [[nodiscard]] auto fill_pipe(int pipe, std::uint32_t most) const noexcept {
    return file_.fill_pipe(pipe, most);
  }
  [[nodiscard]] auto drain_pipe(int pipe, std::uint32_t most) const noexcept {
    return file_.drain_pipe(pipe, most);
  }

 private:
  file file_;
};

/// The process's standard streams, to read from or to write to. A simulated host has none: there their
/// operations fail with bad_file_descriptor.
///
///     const borrowed_file input = standard_input(), output = standard_output();
///     std::array<char, 512> part;
///     while (const std::size_t got = co_await input.read_some(part))
///       co_await output.write_all(std::span(part).first(got));
///
/// Lines are read with read_lines(input). A program that also uses std::cout or printf flushes them itself.
[[nodiscard]] inline borrowed_file standard_input() noexcept { return borrowed_file(STDIN_FILENO); }
/// Like standard_input, to write to.
///
///     co_await standard_output().write_all("done\n");
[[nodiscard]] inline borrowed_file standard_output() noexcept { return borrowed_file(STDOUT_FILENO); }
/// Like standard_output, for messages.
///
///     co_await standard_error().write_all("oh no\n");
[[nodiscard]] inline borrowed_file standard_error() noexcept { return borrowed_file(STDERR_FILENO); }

}  // namespace braid
