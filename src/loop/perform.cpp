#include "braid/loop/detail/perform.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "filling_calls.hpp"
#include "sigpipe.hpp"

namespace braid::detail {

namespace {

ssize_t write_without_flags(const request& what) noexcept {
  return what.offset == request::current_position
             ? ::write(what.descriptor, what.address, what.length)
             : ::pwrite(what.descriptor, what.address, what.length, static_cast<off_t>(what.offset));
}

// The request's flag (RWF_NOSIGNAL) makes a write to a pipe without a reader fail without SIGPIPE. pwritev2
// takes -1 for the file's position, which is the value of request::current_position. A sandbox may refuse it.
ssize_t write(const request& what) noexcept {
  if (what.flags != 0) {
    const iovec part{what.address, what.length};
    const ssize_t ended =
        ::pwritev2(what.descriptor, &part, 1, static_cast<off_t>(what.offset), static_cast<int>(what.flags));
    if (ended >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS)) return ended;
  } else if (rwf_nosignal() != 0) {
    return write_without_flags(what);
  }
  sigpipe_guard guard;
  const ssize_t ended = write_without_flags(what);
  if (ended < 0 && errno == EPIPE) guard.note_broken_pipe();
  return ended;
}

// Between the descriptor and the pipe. Neither splice(2) nor the pipe raises SIGPIPE where it is blocked.
ssize_t splice(const request& what) noexcept {
  off64_t offset = static_cast<off64_t>(what.offset);
  const bool at_offset = what.flags == request::of_file && what.offset != request::current_position;
  off64_t* const at = at_offset ? &offset : nullptr;  // a socket refuses any
  const auto pipe = static_cast<int>(reinterpret_cast<std::intptr_t>(what.address));
  if (what.code == opcode::fill_pipe)
    return ::splice(what.descriptor, at, pipe, nullptr, what.length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  sigpipe_guard guard;
  const ssize_t ended =
      ::splice(pipe, nullptr, what.descriptor, at, what.length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (ended < 0 && errno == EPIPE) guard.note_broken_pipe();
  return ended;
}

std::int64_t call(const request& what) noexcept {
  const int fd = what.descriptor;
  const auto flags = static_cast<int>(what.flags);
  const auto offset = static_cast<off_t>(what.offset);
  const bool at_position = what.offset == request::current_position;
  auto* const path = static_cast<const char*>(what.address);
  auto* const also = reinterpret_cast<void*>(what.offset);
  switch (what.code) {
    case opcode::nop: return 0;
    case opcode::read:
      return at_position ? filling::read(fd, what.address, what.length)
                         : filling::pread(fd, what.address, what.length, offset);
    case opcode::write: return write(what);
    case opcode::fsync: return flags == request::data_only ? ::fdatasync(fd) : ::fsync(fd);
    case opcode::truncate: return ::ftruncate(fd, offset);
    case opcode::open: return ::openat(fd, path, flags, what.length);
    case opcode::status: return ::statx(fd, path, flags, what.length, static_cast<struct statx*>(also));
    case opcode::close: return ::close(fd);
    case opcode::accept:
    case opcode::accept_many: return ::accept4(fd, nullptr, nullptr, flags);
    case opcode::connect:
      return ::connect(fd, static_cast<const sockaddr*>(what.address), static_cast<socklen_t>(what.offset));
    case opcode::send: return ::send(fd, what.address, what.length, flags);
    case opcode::receive: return filling::recv(fd, what.address, what.length, flags);
    case opcode::shutdown: return ::shutdown(fd, static_cast<int>(what.length));
    case opcode::socket: return ::socket(fd, static_cast<int>(what.offset), static_cast<int>(what.length));
    case opcode::poll: {
      pollfd one{fd, static_cast<short>(what.flags), 0};
      const int ready = ::poll(&one, 1, -1);
      return ready < 0 ? ready : one.revents;
    }
    case opcode::rename:
      return ::renameat(fd, path, static_cast<int>(what.length), static_cast<const char*>(also));
    case opcode::unlink: return ::unlinkat(fd, path, flags);
    case opcode::make_directory: return ::mkdirat(fd, path, what.length);
    case opcode::read_directory: return filling::read_directory(fd, what.address, what.length);
    case opcode::change_mode: return ::fchmod(fd, what.length);
    case opcode::fill_pipe:
    case opcode::drain_pipe: return splice(what);
    case opcode::try_lock:
      if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return 0;
      return errno == EWOULDBLOCK ? 1 : -1;
    case opcode::cancel_descriptor: return 0;
    case opcode::send_parts:
    case opcode::send_message: return ::sendmsg(fd, static_cast<const msghdr*>(what.address), flags);
    case opcode::receive_message: return filling::recvmsg(fd, *static_cast<msghdr*>(what.address), flags);
    case opcode::receive_many:  // a reactor receives into its loop's buffers
    case opcode::count_: break;
  }
  errno = EINVAL;
  return -1;
}

}  // namespace

bool needs_thread(opcode code) noexcept {
  switch (code) {
    case opcode::read:
    case opcode::write:
    case opcode::fsync:
    case opcode::truncate:
    case opcode::open:
    case opcode::status:
    case opcode::rename:
    case opcode::unlink:
    case opcode::make_directory:
    case opcode::read_directory:
    case opcode::change_mode:
    case opcode::try_lock: return true;
    default: return false;
  }
}

std::int32_t perform(const request& what) noexcept {
  const std::int64_t ended = call(what);
  return ended < 0 ? -errno : static_cast<std::int32_t>(ended);
}

}  // namespace braid::detail
