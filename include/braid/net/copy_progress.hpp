#pragma once

#include <cstdint>

namespace braid {

/// Counts the bytes that a copy has read and written so far. After a failure `to` lacks the bytes that were
/// read but not written, which are at most 256 KiB.
///
///     copy_progress so_far;
///     const borrowed_file output = standard_output();
///     const auto ended = co_await as_result(copy(peer, output, so_far));
///     if (!ended) use(so_far.read - so_far.written);
struct copy_progress {
  std::uint64_t read = 0;
  std::uint64_t written = 0;
};

}  // namespace braid
