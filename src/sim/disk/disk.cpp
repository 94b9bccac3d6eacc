#include "disk/disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "disk/disk_file.hpp"
#include "disk/volume.hpp"

namespace braid::sim::detail {

namespace {

using place = directory_tree::place;

constexpr unsigned umask_bits = 022;

unsigned mode_of(unsigned kind, unsigned asked) noexcept { return kind | (asked & 07777 & ~umask_bits); }

}  // namespace

disk::disk(machine& in, const disk_options& options)
    : volume_(std::make_shared<volume>(in.within().draws(), options)) {
  make_directory("/tmp", 0777);
  volume_->names.sync();
}
disk::~disk() = default;

loop_clock::duration disk::latency(const request&) { return volume_->latency(); }

// ---- opening --------------------------------------------------------------------------------------------

std::int32_t disk::open(const std::string& path, int flags, unsigned mode, std::shared_ptr<object>& opened) {
  if ((flags & O_PATH) != 0) flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  if ((flags & O_TMPFILE) == O_TMPFILE) return -EOPNOTSUPP;
  const bool creates = (flags & O_CREAT) != 0, truncates = (flags & O_TRUNC) != 0;
  if (creates && (flags & O_DIRECTORY) != 0) return -EINVAL;
  const bool alters = truncates || (flags & O_ACCMODE) != O_RDONLY;

  place at;
  if (const int failed = volume_->names.walk(path, at)) return failed;
  if (creates && at.kind == place::entry && at.slash) return -EISDIR;
  std::shared_ptr<node> found;
  if (const int failed = volume_->names.look_up(at, found)) return failed;
  if (found == nullptr) {
    if (!creates) return -ENOENT;
    found = volume_->names.make(at, mode_of(S_IFREG, mode));
  } else {
    if (creates && (flags & O_EXCL) != 0) return -EEXIST;
    if (creates && found->is_directory()) return -EISDIR;
    if (((flags & O_DIRECTORY) != 0 || at.slash) && !found->is_directory()) return -ENOTDIR;
    if (alters && found->is_directory()) return -EISDIR;
    if (truncates) volume_->resize(*found, 0);
  }
  opened = std::make_shared<disk_file>(volume_, std::move(found), flags);
  return 0;
}

std::int32_t disk::status(const std::string& path, struct statx& found) const {
  std::shared_ptr<node> meant;
  if (const int failed = volume_->names.find(path, meant)) return failed;
  volume_->describe(*meant, found);
  return 0;
}

// ---- names ----------------------------------------------------------------------------------------------

std::int32_t disk::rename(const std::string& from, const std::string& to) {
  directory_tree& names = volume_->names;
  if (const int failed = names.check(from)) return failed;
  if (const int failed = names.check(to)) return failed;
  place old_place, new_place;
  if (const int failed = names.walk(from, old_place)) return failed;
  if (const int failed = names.walk(to, new_place)) return failed;
  if (old_place.kind != place::entry || new_place.kind != place::entry) return -EBUSY;
  std::shared_ptr<node> moved, replaced;
  if (const int failed = names.look_up(old_place, moved)) return failed;
  if (moved == nullptr) return -ENOENT;
  if (const int failed = names.look_up(new_place, replaced)) return failed;
  if (!moved->is_directory() && (old_place.slash || new_place.slash)) return -ENOTDIR;
  if (names.is_within(*new_place.folder, *moved)) return -EINVAL;
  if (moved == replaced) return 0;
  if (replaced != nullptr) {
    if (names.is_within(*old_place.folder, *replaced)) return -ENOTEMPTY;
    if (moved->is_directory() && !replaced->is_directory()) return -ENOTDIR;
    if (!moved->is_directory() && replaced->is_directory()) return -EISDIR;
    if (!replaced->entries.empty()) return -ENOTEMPTY;
  }
  names.move(old_place, new_place);
  if (replaced != nullptr) volume_->release(*replaced);
  return 0;
}

std::int32_t disk::remove(const std::string& path, bool directory) {
  return directory ? remove_directory(path) : remove_file(path);
}

std::int32_t disk::remove_file(const std::string& path) {
  place at;
  if (const int failed = volume_->names.walk(path, at)) return failed;
  if (at.kind != place::entry) return -EISDIR;
  std::shared_ptr<node> found;
  if (const int failed = volume_->names.look_up(at, found)) return failed;
  if (found == nullptr) return -ENOENT;
  if (found->is_directory()) return -EISDIR;
  if (at.slash) return -ENOTDIR;
  volume_->names.remove(at);
  volume_->release(*found);
  return 0;
}

std::int32_t disk::remove_directory(const std::string& path) {
  place at;
  if (const int failed = volume_->names.walk(path, at)) return failed;
  if (at.kind == place::dot_dot) return -ENOTEMPTY;
  if (at.kind == place::dot) return -EINVAL;
  if (at.kind == place::root) return -EBUSY;
  std::shared_ptr<node> found;
  if (const int failed = volume_->names.look_up(at, found)) return failed;
  if (found == nullptr) return -ENOENT;
  if (!found->is_directory()) return -ENOTDIR;
  if (!found->entries.empty()) return -ENOTEMPTY;
  volume_->names.remove(at);
  return 0;
}

std::int32_t disk::make_directory(const std::string& path, unsigned mode) {
  place at;
  if (const int failed = volume_->names.walk(path, at)) return failed;
  if (at.kind != place::entry) return -EEXIST;
  std::shared_ptr<node> found;
  if (const int failed = volume_->names.look_up(at, found)) return failed;
  if (found != nullptr) return -EEXIST;
  volume_->names.make(at, mode_of(S_IFDIR, mode));
  return 0;
}

// ---- from outside ---------------------------------------------------------------------------------------

void disk::crash() { volume_->crash(); }

std::optional<std::string> disk::contents(const std::string& path) const {
  std::shared_ptr<node> found;
  if (volume_->names.find(path, found) != 0 || found->is_directory()) return std::nullopt;
  std::string text(static_cast<std::size_t>(found->content.size()), '\0');
  found->content.read(0, text.data(), text.size());
  return text;
}

void disk::put(const std::string& path, readable_bytes bytes) {
  const auto require = [&](int failed) {
    if (failed != 0) throw std::system_error(-failed, std::generic_category(), "sim::host::put " + path);
  };
  for (std::size_t end = path.find('/', 1); end < path.size(); end = path.find('/', end + 1))
    if (const int failed = make_directory(path.substr(0, end), 0777); failed != -EEXIST) require(failed);
  std::shared_ptr<object> opened;
  require(open(path, O_WRONLY | O_CREAT, 0666, opened));
  std::shared_ptr<node> file;
  require(volume_->names.find(path, file));
  const std::uint64_t others = volume_->used - file->content.used();
  if (bytes.size() > volume_->options.capacity_bytes - std::min(others, volume_->options.capacity_bytes))
    require(-ENOSPC);
  file->content.assign(bytes.data(), bytes.size());
  volume_->used = others + file->content.used();
  volume_->names.sync();
}

}  // namespace braid::sim::detail
