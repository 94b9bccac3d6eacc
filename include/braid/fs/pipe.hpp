#pragma once

#include "braid/fs/file.hpp"

namespace braid {

/// The two ends of a pipe: what the writer writes, the reader reads. Returned by pipe().
///
///     pipe_pair both = pipe();
///     co_await both.writer.write_all("hello");
///     co_await both.writer.close();  // then the reader reads 0 bytes after the five
struct pipe_pair {
  file reader;
  file writer;
};

/// Makes a pipe, for threads, processes or tasks. Its descriptors are closed on exec(2).
///
///     auto [reader, writer] = pipe();
///     std::array<char, 16> part;
///     co_await writer.write_all("hello");
///     const std::size_t got = co_await reader.read_some(part);  // 5
///
/// Errors  throws std::system_error: too_many_files_open when no two descriptors are left.
[[nodiscard]] pipe_pair pipe();

}  // namespace braid
