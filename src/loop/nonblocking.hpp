#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "braid/loop/request.hpp"
#include "filling_calls.hpp"

// Requests made as system calls that do not block, whatever flags the descriptor was opened with.
namespace braid::detail::nonblocking {

/// What such a call may end with besides a result or minus an errno. -EAGAIN says that it would have blocked.
inline constexpr std::int32_t refused = std::numeric_limits<std::int32_t>::min();  // cannot be asked not to

/// Makes the request, of an opcode that waits for a descriptor, without blocking: a number or minus the
/// errno, or refused. calls counts the system calls.
///
/// What keeps it from blocking: for sockets MSG_DONTWAIT; for reads and writes RWF_NOWAIT, which is refused
/// by terminals and by what Linux has not taught it yet. accept leaves the listener with O_NONBLOCK set for
/// good: whoever shares it must not block in accept either, for there any of them may come too late.
[[nodiscard]] std::int32_t attempt(const request& what, std::size_t& calls) noexcept;

/// attempt for the two opcodes that a busy loop meets most: inline, for between two system calls the
/// processor's caches have forgotten the rest.
[[nodiscard]] inline std::int32_t receive(const request& what) noexcept {
  const ssize_t ended =
      filling::recv(what.descriptor, what.address, what.length, static_cast<int>(what.flags) | MSG_DONTWAIT);
  return ended < 0 ? -errno : static_cast<std::int32_t>(ended);
}
[[nodiscard]] inline std::int32_t send(const request& what) noexcept {
  const ssize_t ended =
      ::send(what.descriptor, what.address, what.length, static_cast<int>(what.flags) | MSG_DONTWAIT);
  return ended < 0 ? -errno : static_cast<std::int32_t>(ended);
}

/// attempt for a read or write that was refused, on a descriptor that epoll takes: first asks poll(2), then
/// reads, or writes so little that there is room for it. Blocks only where another process takes the bytes
/// between the two calls. refused for writes to what has no such smallest room: a terminal's.
[[nodiscard]] std::int32_t attempt_polled(const request& what, std::size_t& calls) noexcept;

/// Sets or clears O_NONBLOCK; true when that changed something.
bool set_nonblocking(int descriptor, bool on, std::size_t& calls) noexcept;

}  // namespace braid::detail::nonblocking
