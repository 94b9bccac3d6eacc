#pragma once

#include <poll.h>

#include "braid/loop/descriptor.hpp"
#include "braid/loop/io_sender.hpp"
#include "braid/net/detail/readiness_outcome.hpp"

namespace braid {

/// Waits until a read from the descriptor would not block: there is data, the end, an error, or a connection
/// to accept. A sender of void. It is for a C library that makes its own system calls (libpq, curl, hiredis)
/// and has a descriptor to ask for.
///
///     const int library_socket = ::dup(peer.number());
///     co_await wait_readable(library_socket);  // the library may call recv(2) now
///
/// Another reader of the descriptor may be faster, so the read itself should be one that cannot block
/// (O_NONBLOCK, MSG_DONTWAIT). A regular file is always ready.
///
/// Lifetime  the descriptor stays open until the operation has ended; cancel it before the library closes it.
/// Threads   its loop's. Several operations may wait for one descriptor.
/// Errors    bad_file_descriptor when the number is not open.
/// Cancel    takes nothing from the descriptor.
/// Cost      one request; no allocation.
[[nodiscard]] inline auto wait_readable(int descriptor) noexcept {
  return io_sender<detail::readiness_outcome<detail::wait_readable_name>>{
      {.code = opcode::poll, .descriptor = descriptor, .flags = POLLIN}, {}};
}
[[nodiscard]] inline auto wait_readable(const descriptor& of) noexcept { return wait_readable(of.number()); }

/// Like wait_readable, for a write: there is room, or an error. A socket whose connect(2) is in progress
/// becomes writable when that has ended; SO_ERROR says how.
///
///     const int library_socket = ::dup(peer.number());
///     co_await wait_writable(library_socket);
[[nodiscard]] inline auto wait_writable(int descriptor) noexcept {
  return io_sender<detail::readiness_outcome<detail::wait_writable_name>>{
      {.code = opcode::poll, .descriptor = descriptor, .flags = POLLOUT}, {}};
}
[[nodiscard]] inline auto wait_writable(const descriptor& of) noexcept { return wait_writable(of.number()); }

}  // namespace braid
