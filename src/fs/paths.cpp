#include <sys/sysmacros.h>

#include <algorithm>

#include "braid/fs/detail/path_outcomes.hpp"
#include "braid/fs/status.hpp"

namespace braid::detail {

namespace {

std::filesystem::file_type type_of(unsigned mode) noexcept {
  using std::filesystem::file_type;
  switch (mode & S_IFMT) {
    case S_IFREG: return file_type::regular;
    case S_IFDIR: return file_type::directory;
    case S_IFLNK: return file_type::symlink;
    case S_IFBLK: return file_type::block;
    case S_IFCHR: return file_type::character;
    case S_IFIFO: return file_type::fifo;
    case S_IFSOCK: return file_type::socket;
    default: return file_type::unknown;
  }
}

}  // namespace

std::string shown(const std::string& path) {
  if (path.empty()) return "\"\"";
  std::string text = path;
  std::ranges::replace(text, '\0', '?');
  return text;
}

fs::file_status status_of(const struct statx& found) noexcept {
  using std::chrono::system_clock;
  const auto modified =
      std::chrono::seconds(found.stx_mtime.tv_sec) + std::chrono::nanoseconds(found.stx_mtime.tv_nsec);
  return {.type = type_of(found.stx_mode),
          .permissions = static_cast<std::filesystem::perms>(found.stx_mode & 07777),
          .size = found.stx_size,
          .modified = system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(modified)),
          .owner = found.stx_uid,
          .group = found.stx_gid,
          .device = ::makedev(found.stx_dev_major, found.stx_dev_minor),
          .inode = found.stx_ino,
          .links = found.stx_nlink};
}

}  // namespace braid::detail
