#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/result.hpp"
#include "braid/net/byte_stream.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// How far a copy has come. What was read and not written is lost for `to`: at most 16 KiB.
///
///     copy_progress so_far;
///     const borrowed_file output = standard_output();
///     const auto ended = co_await as_result(copy(peer, output, so_far));
///     if (!ended) use(so_far.read - so_far.written);
struct copy_progress {
  std::uint64_t read = 0;
  std::uint64_t written = 0;
};

/// Copies from one stream to another until the first one ends. Returns how many bytes.
///
///     const borrowed_file input = standard_input();
///     const std::uint64_t size = co_await copy(input, peer);
///
/// It neither closes nor flushes: a proxy calls shutdown_send, and flush of a buffered_writer, itself.
///
/// Lifetime  both streams, and so_far, outlive the operation.
/// Errors    those of the streams; their call says which one. error::transferred() is how many bytes were
///           written; so_far says how many were read as well, and may be looked at while the copy runs.
/// Cancel    like an error. While it waits for more bytes, everything that was read has been written.
/// Cost      one buffer of 16 KiB.
template <readable From, writable To>
[[nodiscard]] task<std::uint64_t> copy(From& from, To& to, copy_progress& so_far) {
  constexpr std::size_t size = 16 << 10;
  const auto room = std::make_unique_for_overwrite<char[]>(size);
  so_far = {};
  for (;;) {
    auto reading = as_result(from.read_some(std::span(room.get(), size)));
    const result<std::size_t> got = co_await std::move(reading);
    if (!got) {
      error failed = got.error();
      failed.set_transferred(so_far.written);
      failed.rethrow();
    }
    if (*got == 0) co_return so_far.written;
    so_far.read += *got;
    auto writing = as_result(to.write_all(std::span(room.get(), *got)));
    const result<void> ended = co_await std::move(writing);
    so_far.written += ended ? *got : ended.error().transferred();
    if (!ended) {
      error failed = ended.error();
      failed.set_transferred(so_far.written);
      failed.rethrow();
    }
  }
}
template <readable From, writable To>
[[nodiscard]] task<std::uint64_t> copy(From& from, To& to) {
  copy_progress so_far;
  co_return co_await copy(from, to, so_far);
}

}  // namespace braid
