#include "disk/disk_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

namespace braid::sim::detail {

namespace {

constexpr std::uint64_t greatest_offset = std::numeric_limits<std::int64_t>::max();

}  // namespace

disk_file::disk_file(std::shared_ptr<volume> on, std::shared_ptr<node> what, int flags)
    : on_(std::move(on)), node_(std::move(what)), flags_(flags), opened_before_(on_->crashes) {
  ++node_->opened;
}

disk_file::~disk_file() {
  if (on_->crashes != opened_before_) return;
  --node_->opened;
  if (node_->locked_by == this) node_->locked_by = nullptr;
  on_->release(*node_);
}

bool disk_file::is_path_alone() const noexcept { return (flags_ & O_PATH) != 0; }
bool disk_file::reads() const noexcept {
  const int access = flags_ & O_ACCMODE;
  return !is_path_alone() && (access == O_RDONLY || access == O_RDWR);
}
bool disk_file::writes() const noexcept {
  const int access = flags_ & O_ACCMODE;
  return !is_path_alone() && (access == O_WRONLY || access == O_RDWR);
}
bool disk_file::syncs_each_write() const noexcept { return (flags_ & O_DSYNC) != 0; }  // in O_SYNC, too

loop_clock::duration disk_file::latency(const request& what) {
  switch (what.code) {
    case opcode::fsync: return on_->latency() + on_->options.sync_latency;
    case opcode::write:
      return syncs_each_write() ? on_->latency() + on_->options.sync_latency : on_->latency();
    case opcode::read:
    case opcode::read_directory:
    case opcode::truncate:
    case opcode::status: return on_->latency();
    default: return {};
  }
}

void disk_file::sync_failed() noexcept { node_->content.sync_failed(); }

std::optional<std::int32_t> disk_file::attempt(const request& what) {
  if (on_->crashes != opened_before_) return -EIO;
  switch (what.code) {
    case opcode::read: return read(what);
    case opcode::write: return write(what);
    case opcode::truncate: return truncate(what.offset);
    case opcode::read_directory: return read_directory(what);
    case opcode::change_mode:
      if (is_path_alone()) return -EBADF;
      node_->mode = (node_->mode & S_IFMT) | (what.length & 07777);
      return 0;
    case opcode::try_lock:
      if (is_path_alone()) return -EBADF;
      if (node_->locked_by == nullptr) node_->locked_by = this;
      return node_->locked_by == this ? 0 : 1;
    case opcode::status: return status(what);
    case opcode::fsync:
      if (is_path_alone()) return -EBADF;
      on_->sync(*node_, what.flags == request::data_only);
      return 0;
    case opcode::poll: {
      if (is_path_alone()) return -EBADF;
      const auto ready = static_cast<std::int32_t>(what.flags & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM));
      if (ready == 0) return std::nullopt;  // never completes: a file has no other events
      return ready;
    }
    case opcode::accept:
    case opcode::accept_many:
    case opcode::connect:
    case opcode::send:
    case opcode::receive:
    case opcode::send_message:
    case opcode::receive_message:
    case opcode::receive_many:
    case opcode::send_parts:
    case opcode::shutdown: return is_path_alone() ? -EBADF : -ENOTSOCK;
    default: return -EINVAL;
  }
}

std::int32_t disk_file::read(const request& what) {
  if (!reads()) return -EBADF;
  const bool moves = what.offset == request::current_position;
  const std::uint64_t from = moves ? position_ : what.offset;
  if (from > greatest_offset) return -EINVAL;
  if (node_->is_directory()) return -EISDIR;
  const std::size_t got = node_->content.read(from, what.address, transfer_length(what.length));
  if (moves) position_ += got;
  return static_cast<std::int32_t>(got);
}

std::int32_t disk_file::write(const request& what) {
  if (!writes()) return -EBADF;
  const bool moves = what.offset == request::current_position;
  std::uint64_t at = moves ? position_ : what.offset;
  if (at > greatest_offset) return -EINVAL;
  if (what.length == 0) return 0;
  if ((flags_ & O_APPEND) != 0) at = node_->content.size();  // Linux appends whatever the offset
  if (at >= most_bytes) return -EFBIG;
  const std::uint64_t room = most_bytes - at;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(transfer_length(what.length), room));
  const std::size_t done = on_->write(*node_, at, what.address, size);
  if (done == 0) return -ENOSPC;
  if (moves) position_ = at + done;
  if (syncs_each_write()) on_->sync(*node_, true);
  return static_cast<std::int32_t>(done);
}

std::int32_t disk_file::truncate(std::uint64_t size) {
  if (is_path_alone()) return -EBADF;
  if (size > greatest_offset || node_->is_directory() || !writes()) return -EINVAL;
  if (size > most_bytes) return -EFBIG;
  on_->resize(*node_, size);
  return 0;
}

// The records of the names behind the last one that was read, so that names which come and go meanwhile
// neither repeat nor hide another one. There are no records of "." and "..".
std::int32_t disk_file::read_directory(const request& what) {
  if (is_path_alone()) return -EBADF;
  if (!node_->is_directory()) return -ENOTDIR;
  auto* to = static_cast<char*>(what.address);
  std::size_t left = what.length;
  for (auto next = node_->entries.upper_bound(last_name_); next != node_->entries.end(); ++next) {
    const auto& [name, entry] = *next;
    constexpr std::size_t head = offsetof(dirent64, d_name);
    const std::size_t size = (head + name.size() + 1 + 7) / 8 * 8;
    if (size > left) {
      if (to == what.address) return -EINVAL;
      break;
    }
    dirent64 record{};
    record.d_ino = entry->number;
    record.d_reclen = static_cast<unsigned short>(size);
    record.d_type = static_cast<unsigned char>(IFTODT(entry->mode));
    std::memset(to, 0, size);
    std::memcpy(to, &record, head);
    std::memcpy(to + head, name.data(), name.size());
    to += size;
    left -= size;
    last_name_ = name;
  }
  return static_cast<std::int32_t>(what.length - left);
}

// Only of the file itself; the disk answers a status by path.
std::int32_t disk_file::status(const request& what) const {
  if ((what.flags & AT_EMPTY_PATH) == 0) return -ENOENT;
  on_->describe(*node_, *reinterpret_cast<struct statx*>(what.offset));
  return 0;
}

}  // namespace braid::sim::detail
