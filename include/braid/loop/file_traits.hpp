#pragma once

#include <cstdint>

namespace braid {

/// The properties of an open file that its reads and writes depend on. An outcome whose operation takes its
/// turn at the file (io_hooks::takes_turns) holds them in a member `traits`.
///
///     struct read_outcome {
///       using value_type = int;
///       static constexpr io_hooks hooks{.takes_turns = true};
///       static constexpr const char* name() noexcept { return "read"; }
///       result<int> operator()(std::int32_t ended, const request&) const noexcept { return ended; }
///       file_traits traits;
///     };
///     const request what{.code = opcode::read, .offset = request::current_position};
///     const file_traits known = direct_calls::current().traits_of(what.descriptor);
///     const io_sender<read_outcome> next_read{what, {known}};
///
/// They are asked for once, before the first read or write at the file's position: direct_calls::traits_of. A
/// file that could not be asked counts as a pipe.
struct file_traits {
  /// Equal for all descriptors of one file with a position; otherwise the descriptor's number.
  std::uint32_t identity = 0;
  std::uint16_t write_flags = 0;  ///< flags for its write requests: RWF_NOSIGNAL or 0
  bool known : 1 = false;
  bool has_position : 1 = false;  ///< reads and writes move one position: a regular file, a block device
  bool appends : 1 = false;  ///< O_APPEND
  bool unbuffered : 1 = false;  ///< O_DIRECT
  bool is_terminal : 1 = false;
  bool may_signal : 1 = false;  ///< a write without a reader raises SIGPIPE, and no flag prevents that
  /// open_file opened it, so it shares its position with no other file from open_file.
  bool opened_here : 1 = false;
};
static_assert(sizeof(file_traits) == 8);

}  // namespace braid
