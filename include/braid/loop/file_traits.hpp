#pragma once

#include <cstdint>

namespace braid {

/// What is asked of an open file once, before it is first read or written at its own position: see
/// direct_calls::traits_of. What could not be asked is like a pipe.
struct file_traits {
  bool known = false;
  bool has_position = false;  ///< reads and writes move one position: a regular file, a block device
  bool appends = false;       ///< O_APPEND
  bool unbuffered = false;    ///< O_DIRECT
  bool is_terminal = false;
  bool may_signal = false;  ///< a write that nobody will read raises SIGPIPE, which no flag keeps it from
  std::uint32_t write_flags = 0;  ///< of a request to write: RWF_NOSIGNAL
};

}  // namespace braid
