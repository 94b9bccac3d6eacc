#pragma once

#include <cstddef>
#include <cstdint>

#include "braid/messaging/durability.hpp"

namespace braid::messaging {

/// How a log is opened. The defaults suit most programs.
///
///     const messaging::log_options small{.segment_bytes = 1 << 20};
///     messaging::log journal = co_await messaging::log::open("/tmp/journal", small);
struct log_options {
  messaging::durability durability = messaging::durability::synced;  ///< of append(bytes)
  std::uint64_t segment_bytes = 64 << 20;  ///< a file this long is finished, and the next one begun
  /// At the beginning of a new file the oldest ones are removed as long as all together are longer than this;
  /// 0 removes none.
  std::uint64_t retain_bytes = 0;
  std::size_t most_record_bytes = 16 << 20;  ///< a longer append fails with message_size; at most 1 GiB
  std::size_t most_batch_bytes = 1 << 20;  ///< of appends that share one write; a single one may be longer
  bool direct = false;  ///< writes past the page cache (O_DIRECT), in blocks of 4 KiB
  bool syncs_metadata = false;  ///< fsync(2) instead of fdatasync(2)
  bool read_only = false;  ///< reads what is there now; takes no lock and changes nothing
  bool skip_unreadable = false;  ///< reads go on behind a file that is missing or cannot be read
};

}  // namespace braid::messaging
