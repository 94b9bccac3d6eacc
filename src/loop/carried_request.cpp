#include "carried_request.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include "braid/base/detail/poison.hpp"
#include "braid/loop/blocking_wait.hpp"
#include "braid/loop/detail/perform.hpp"
#include "stepwise.hpp"

namespace braid::detail {

namespace {

bool names_a_path(const request& what) noexcept {
  switch (what.code) {
    case opcode::open:
    case opcode::rename:
    case opcode::unlink:
    case opcode::make_directory: return true;
    case opcode::status: return *static_cast<const char*>(what.address) != '\0';
    default: return false;
  }
}

bool fills_a_buffer(opcode code) noexcept {
  return code == opcode::read || code == opcode::receive || code == opcode::read_directory;
}
bool empties_a_buffer(opcode code) noexcept { return code == opcode::write || code == opcode::send; }

// Files on which a call may wait until another process acts: FIFOs, terminals, sockets.
bool waits_for_others(mode_t mode) noexcept { return !S_ISREG(mode) && !S_ISDIR(mode) && !S_ISBLK(mode); }

// The mode of a file whose open may wait; 0 when it does not wait.
mode_t opens_what_waits(const request& what) noexcept {
  struct stat found;
  const bool waits = (what.flags & (O_NONBLOCK | O_PATH)) == 0 &&
                     ::fstatat(what.descriptor, static_cast<const char*>(what.address), &found, 0) == 0 &&
                     waits_for_others(found.st_mode);
  return waits ? found.st_mode : 0;
}

// Is the file on a file system of another machine or process, which may never answer?
bool is_remote(int descriptor) noexcept {
  struct statfs found;
  if (::fstatfs(descriptor, &found) != 0) return true;
  switch (static_cast<std::uint32_t>(found.f_type)) {
    case 0x6969:      // NFS
    case 0x517B:      // SMB
    case 0xFF534D42:  // CIFS
    case 0xFE534D42:  // SMB2
    case 0x65735546:  // FUSE
    case 0x5346414F:  // AFS
    case 0x6B414653:  // AFS
    case 0x73757245:  // Coda
    case 0x01021997:  // 9P
    case 0x00C36400:  // Ceph
    case 0x0BD00BD0:  // Lustre
    case 0x0187:      // autofs
      return true;
    default: return false;
  }
}

}  // namespace

carried_request::carried_request(const request& what, loop& home, operation_base& back)
    : blocking_job(on_thread), asked_(what), own_(what), home_(home), back_(back) {
  may_take_long();
  if (names_a_path(what)) {
    path_ = static_cast<const char*>(what.address);
    own_.address = path_.data();
    if (what.code == opcode::rename) {
      other_path_ = reinterpret_cast<const char*>(what.offset);
      own_.offset = reinterpret_cast<std::uint64_t>(other_path_.data());
    }
  } else if (what.code == opcode::connect) {
    path_.assign(static_cast<const char*>(what.address), what.offset);
    own_.address = path_.data();
  }
  if (what.code == opcode::status) {
    buffer_ = std::make_unique<char[]>(sizeof(struct statx));
    own_.offset = reinterpret_cast<std::uint64_t>(buffer_.get());
    if (path_.empty()) own_.address = const_cast<char*>("");
  }
}

std::int32_t carried_request::result() noexcept {
  if (buffer_ == nullptr || ended_ < 0) return ended_;
  if (asked_.code == opcode::status) {
    std::memcpy(reinterpret_cast<void*>(asked_.offset), buffer_.get(), sizeof(struct statx));
  } else if (fills_a_buffer(asked_.code)) {
    unpoison(asked_.address, asked_.length);
    std::memcpy(asked_.address, buffer_.get(), static_cast<std::size_t>(ended_));
  }
  return ended_;
}

void carried_request::on_thread(blocking_job& job) noexcept {
  auto& self = static_cast<carried_request&>(job);
  try {
    self.ended_ = self.carry_out_any();
  } catch (const std::bad_alloc&) {
    self.ended_ = -ENOMEM;
  } catch (const std::system_error&) {
    self.ended_ = -EAGAIN;  // thrown by blocking_wait: every other thread waits as well
  }
  if (self.own_.descriptor != self.asked_.descriptor) ::close(self.own_.descriptor);
  if (blocking_pool::end()) return self.home_.operations().deliver(self.back_);
  if (self.asked_.code == opcode::open && self.ended_ >= 0) ::close(self.ended_);
  self.~carried_request();
  frame_pool::discard(&self);  // in this thread's pool it would lie for good
}

std::int32_t carried_request::carry_out_any() {
  if (asked_.descriptor >= 0 && asked_.code != opcode::close)
    if (!copy_descriptor()) return -ECANCELED;
  if (names_a_path(own_)) return carry_out_path();
  switch (asked_.code) {
    case opcode::read:
    case opcode::write:
    case opcode::send:
    case opcode::receive:
    case opcode::fsync:
    case opcode::truncate:
    case opcode::read_directory:
    case opcode::change_mode:
    case opcode::fill_pipe:
    case opcode::drain_pipe:
    case opcode::try_lock:
    case opcode::status:
    case opcode::connect:
    case opcode::close: return carry_out_descriptor();
    default: return carry_out_held();
  }
}

std::int32_t carried_request::carry_out_path() {
  if (asked_.code == opcode::rename && static_cast<int>(asked_.length) >= 0) return carry_out_held();
  const mode_t waits_for = asked_.code == opcode::open ? opens_what_waits(own_) : 0;
  if (waits_for == 0) return perform(own_);
  const blocking_wait here("open");
  if (!S_ISFIFO(waits_for) || (own_.flags & O_ACCMODE) == O_RDWR) return perform(own_);
  return blocking_pool::hold() ? stepwise::open_fifo(own_, blocking_pool::is_wanted) : -ECANCELED;
}

// A request on a local file ends soon, so it is held and needs no copy of its data.
std::int32_t carried_request::carry_out_descriptor() {
  struct stat found;
  if (::fstat(own_.descriptor, &found) != 0) return -errno;
  const bool fills_pipe = asked_.code == opcode::fill_pipe,
             splices = fills_pipe || asked_.code == opcode::drain_pipe;
  const bool made_as_read = fills_pipe && found.st_size == 0;  // a file of /proc, whose read may wait
  if (!waits_for_others(found.st_mode) && !is_remote(own_.descriptor) && !made_as_read)
    return carry_out_held();
  if (splices) return -EINVAL;
  if (asked_.code == opcode::write && S_ISCHR(found.st_mode) && ::isatty(own_.descriptor) == 1) {
    const blocking_wait here("write");
    return blocking_pool::hold() ? stepwise::write_to_terminal(own_, blocking_pool::is_wanted) : -ECANCELED;
  }
  if ((fills_a_buffer(asked_.code) || empties_a_buffer(asked_.code)) && !make_buffer()) return -ECANCELED;
  const blocking_wait here(name_of(asked_.code));
  return perform(own_);
}

// Carries out the original request on the caller's memory. It cannot be abandoned meanwhile.
std::int32_t carried_request::carry_out_held() noexcept {
  if (!blocking_pool::hold()) return -ECANCELED;
  buffer_.reset();
  return perform(asked_);
}

// Copies the descriptor, since its number may belong to another file by the time that an abandoned request
// uses it. Without a free descriptor the request stays held. False when it was abandoned and must end.
bool carried_request::copy_descriptor() noexcept {
  if (!blocking_pool::hold()) return false;
  const int copy = ::fcntl(asked_.descriptor, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return true;
  own_.descriptor = copy;
  return blocking_pool::let_go();
}

// False when the request was abandoned and must end.
bool carried_request::make_buffer() {
  buffer_ = std::make_unique_for_overwrite<char[]>(asked_.length);
  own_.address = buffer_.get();
  if (fills_a_buffer(asked_.code)) return true;
  if (!blocking_pool::hold()) return false;
  std::memcpy(buffer_.get(), asked_.address, asked_.length);
  return blocking_pool::let_go();
}

}  // namespace braid::detail
