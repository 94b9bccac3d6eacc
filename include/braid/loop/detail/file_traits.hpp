#pragma once

#include <cstdint>

namespace braid::detail {

/// What is asked of an open file once, before it is first read or written at its own position: see
/// direct_calls::traits_of. What could not be asked is like a pipe.
struct file_traits {
  /// Equal for all descriptors of one open file that has a position; of other files the descriptor's number.
  std::uint32_t identity = 0;
  std::uint16_t write_flags = 0;  ///< of a request to write: RWF_NOSIGNAL
  bool known : 1 = false;
  bool has_position : 1 = false;  ///< reads and writes move one position: a regular file, a block device
  bool appends : 1 = false;  ///< O_APPEND
  bool unbuffered : 1 = false;  ///< O_DIRECT
  bool is_terminal : 1 = false;
  bool may_signal : 1 = false;  ///< a write that nobody will read raises SIGPIPE, which no flag keeps it from
  /// open_file has opened it: it shares its position with no other file that open_file has opened.
  bool opened_here : 1 = false;
};
static_assert(sizeof(file_traits) == 8);

}  // namespace braid::detail
