#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "braid/base/result.hpp"
#include "braid/net/byte_stream.hpp"
#include "braid/net/copy_progress.hpp"
#include "braid/net/detail/splicing.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// Copies from one stream to another until the first one ends. Returns how many bytes.
///
///     const borrowed_file input = standard_input();
///     const std::uint64_t size = co_await copy(input, peer);
///
/// It neither closes nor flushes: a proxy calls shutdown_send, and flush of a buffered_writer, itself.
///
/// Between sockets, pipes and files, where much comes at a time, the kernel moves the bytes by itself
/// (splice through a pipe). Then a socket stays O_NONBLOCK, and a file's pages are sent as they are: what
/// is written into the file before the peer has them may reach the peer instead of what was there. A file
/// that changes in place is better read by an any_stream, or a buffered_reader, whose bytes are copied.
///
/// Lifetime  both streams, and so_far, outlive the operation.
/// Errors    those of the streams; their call says which one. error::transferred() is how many bytes were
///           written; so_far says how many were read as well, and may be looked at while the copy runs.
/// Cancel    like an error. While it waits for more bytes, everything that was read has been written.
/// Cost      one buffer of 16 KiB. Within the kernel: a pipe of 256 KiB, which has two descriptors; without
///           them the bytes go through the buffer. A file there costs a thread's step for each 256 KiB.
template <readable From, writable To>
[[nodiscard]] task<std::uint64_t> copy(From& from, To& to, copy_progress& so_far) {
  constexpr std::size_t size = 16 << 10;
  const auto buffer = std::make_unique_for_overwrite<char[]>(size);
  const std::span<char> room(buffer.get(), size);
  [[maybe_unused]] detail::splice_pipe by;
  int whole = 0;  // buffers in a row that were full
  so_far = {};
  for (;;) {
    if constexpr (detail::splices<From> && detail::splices<To>) {
      if (whole >= detail::splice_pipe::worth_it_after && by.open()) {
        whole = 0;
        auto splicing = detail::copy_by_splicing(from, to, by, room, so_far);
        const bool at_end = co_await std::move(splicing);
        if (at_end) co_return so_far.written;
      }
    }
    auto reading = as_result(from.read_some(room));
    const result<std::size_t> got = co_await std::move(reading);
    if (!got) detail::fail_copy(got.error(), so_far);
    if (*got == 0) co_return so_far.written;
    so_far.read += *got;
    whole = *got == size ? whole + 1 : 0;
    auto writing = as_result(to.write_all(room.first(*got)));
    const result<void> ended = co_await std::move(writing);
    so_far.written += ended ? *got : ended.error().transferred();
    if (!ended) detail::fail_copy(ended.error(), so_far);
  }
}
template <readable From, writable To>
[[nodiscard]] task<std::uint64_t> copy(From& from, To& to) {
  copy_progress so_far;
  co_return co_await copy(from, to, so_far);
}

}  // namespace braid
