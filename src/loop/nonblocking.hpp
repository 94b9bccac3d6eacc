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

/// Returned when the descriptor has no way to ask for a call that does not block. (-EAGAIN says that the call
/// would have blocked.)
inline constexpr std::int32_t refused = std::numeric_limits<std::int32_t>::min();

/// Makes the request, of an opcode that waits for a descriptor, without blocking. Returns its result, minus
/// the errno, or refused. calls counts the system calls.
///
/// It passes MSG_DONTWAIT for sockets and RWF_NOWAIT for reads and writes. Terminals refuse RWF_NOWAIT, and
/// so do files for which Linux does not implement it. accept leaves O_NONBLOCK set on the listener: another
/// process may accept the connection first, so no process that shares the listener may block in accept.
/// fill_pipe and drain_pipe leave O_NONBLOCK set on the socket: splice(2) has no flag for sockets.
[[nodiscard]] std::int32_t attempt(const request& what, std::size_t& calls) noexcept;

/// True on Linux 5.9 and 5.10: their preadv2 with RWF_NOWAIT returns 0, as at the end of a file, for data
/// that is not cached.
[[nodiscard]] bool may_take_uncached_for_end() noexcept;

/// attempt for the two opcodes that a busy loop uses most. They are inline, because each system call drives
/// code that stands elsewhere out of the caches.
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

/// attempt for a read or write that was refused, on a descriptor that epoll takes. It asks poll(2), then
/// reads, or writes no more than poll guarantees room for. It blocks only where another process takes the
/// bytes between the two calls. Returns refused for writes where poll guarantees no room, as on a terminal.
[[nodiscard]] std::int32_t attempt_polled(const request& what, std::size_t& calls) noexcept;

/// Sets or clears O_NONBLOCK. True when that changed it.
bool set_nonblocking(int descriptor, bool on, std::size_t& calls) noexcept;

}  // namespace braid::detail::nonblocking
