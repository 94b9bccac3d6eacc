#include "braid/net/detail/socket_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace braid::unix_domain::detail {

socket_file::socket_file(std::string path) : process_(::getpid()) {
  struct stat found;
  if (::lstat(path.c_str(), &found) != 0) return;  // it is gone already
  device_ = found.st_dev;
  inode_ = found.st_ino;
  path_ = std::move(path);
}

void socket_file::remove() noexcept {
  if (path_.empty()) return;
  const std::string path = std::exchange(path_, {});
  struct stat found;
  const bool is_ours = process_ == ::getpid() && ::lstat(path.c_str(), &found) == 0 &&
                       found.st_dev == device_ && found.st_ino == inode_;
  if (is_ours) ::unlink(path.c_str());
}

}  // namespace braid::unix_domain::detail
