#include "nonblocking.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "braid/loop/detail/perform.hpp"

namespace braid::detail::nonblocking {

namespace {

std::int32_t or_errno(ssize_t ended) noexcept {
  return ended < 0 ? -errno : static_cast<std::int32_t>(ended);
}

// preadv2 and pwritev2 take -1 for the file's position, which is the value of request::current_position.
std::int32_t transfer(const request& what, std::size_t& calls) noexcept {
  const iovec part{what.address, what.length};
  const auto call = [&](off_t offset) {
    ++calls;
    if (what.code == opcode::read)
      return or_errno(filling::preadv2(what.descriptor, part, offset, RWF_NOWAIT));
    return or_errno(::pwritev2(what.descriptor, &part, 1, offset, static_cast<int>(what.flags) | RWF_NOWAIT));
  };
  std::int32_t ended = call(static_cast<off_t>(what.offset));
  if (ended == -ESPIPE) ended = call(-1);  // a file without positions ignores the offset, as with io_uring
  if (ended == 0 && what.code == opcode::read && what.length != 0 && may_take_uncached_for_end())
    return refused;
  // A sandbox without these calls may answer either errno.
  return ended == -EOPNOTSUPP || ended == -ENOSYS ? refused : ended;
}

std::int32_t accept(const request& what, std::size_t& calls) noexcept {
  set_nonblocking(what.descriptor, true, calls);
  ++calls;
  return or_errno(::accept4(what.descriptor, nullptr, nullptr, static_cast<int>(what.flags)));
}

std::int32_t pass_message(request what, std::size_t& calls) noexcept {
  what.flags |= MSG_DONTWAIT;
  ++calls;
  return detail::perform(what);
}

// A pipe's splice does not block if asked not to; a socket's asks only the socket's mode.
std::int32_t splice(const request& what, std::size_t& calls) noexcept {
  struct stat found;
  ++calls;
  if (::fstat(what.descriptor, &found) != 0) return -errno;
  if (what.flags == request::of_socket && S_ISSOCK(found.st_mode))
    set_nonblocking(what.descriptor, true, calls);
  else if (!S_ISFIFO(found.st_mode))
    return -EINVAL;
  ++calls;
  return detail::perform(what);
}

std::int32_t poll_now(int descriptor, short events, std::size_t& calls) noexcept {
  pollfd one{descriptor, events, 0};
  ++calls;
  const int ready = ::poll(&one, 1, 0);
  if (ready < 0) return -errno;
  if (ready == 0) return -EAGAIN;
  return (one.revents & POLLNVAL) != 0 ? -EBADF : one.revents;
}

// How much may be written without blocking after poll has called the descriptor writable: PIPE_BUF for a
// pipe.
std::int32_t most_to_write(int descriptor, std::size_t& calls) noexcept {
  struct stat found;
  ++calls;
  if (::fstat(descriptor, &found) != 0) return -errno;
  return S_ISFIFO(found.st_mode) ? PIPE_BUF : refused;
}

}  // namespace

bool may_take_uncached_for_end() noexcept {
  static const bool may = [] {
    utsname system{};
    if (::uname(&system) != 0) return false;
    const std::string_view release = system.release;
    return release.starts_with("5.9.") || release.starts_with("5.10.");
  }();
  return may;
}

bool set_nonblocking(int descriptor, bool on, std::size_t& calls) noexcept {
  ++calls;
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 || ((flags & O_NONBLOCK) != 0) == on) return false;
  ++calls;
  return ::fcntl(descriptor, F_SETFL, flags ^ O_NONBLOCK) == 0;
}

std::int32_t attempt(const request& what, std::size_t& calls) noexcept {
  switch (what.code) {
    case opcode::read:
    case opcode::write: return transfer(what, calls);
    case opcode::receive: ++calls; return receive(what);
    case opcode::send: ++calls; return send(what);
    case opcode::accept:
    case opcode::accept_many: return accept(what, calls);
    case opcode::connect: ++calls; return detail::perform(what);
    case opcode::send_message:
    case opcode::send_parts:
    case opcode::receive_message: return pass_message(what, calls);
    case opcode::fill_pipe:
    case opcode::drain_pipe: return splice(what, calls);
    case opcode::poll: return poll_now(what.descriptor, static_cast<short>(what.flags), calls);
    default: return -EINVAL;
  }
}

std::int32_t attempt_polled(const request& what, std::size_t& calls) noexcept {
  request part = what;
  ++calls;
  if (const int flags = ::fcntl(what.descriptor, F_GETFL); flags < 0 || (flags & O_NONBLOCK) == 0) {
    if (what.code == opcode::write) {
      const std::int32_t most = most_to_write(what.descriptor, calls);
      if (most < 0) return most;
      part.length = std::min(part.length, static_cast<std::uint32_t>(most));
    }
    const short events = what.code == opcode::read ? POLLIN : POLLOUT;
    if (const std::int32_t ready = poll_now(what.descriptor, events, calls); ready < 0) return ready;
  }
  ++calls;
  const std::int32_t ended = detail::perform(part);
  if (ended != -ESPIPE) return ended;
  part.offset = request::current_position;
  ++calls;
  return detail::perform(part);
}

}  // namespace braid::detail::nonblocking
