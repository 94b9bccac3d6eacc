#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

namespace braid::unix_domain::detail {

// The file of a bound socket, or nothing. Its destructor removes the file, unless another file has taken its
// place, or this is a fork of the process that bound the socket.
class socket_file {
 public:
  socket_file() = default;
  // The file at that path, which this process has just made.
  explicit socket_file(std::string path);
  socket_file(socket_file&& other) noexcept
      : path_(std::exchange(other.path_, {})),
        device_(other.device_),
        inode_(other.inode_),
        process_(other.process_) {}
  socket_file& operator=(socket_file other) noexcept {
    std::swap(path_, other.path_);
    std::swap(device_, other.device_);
    std::swap(inode_, other.inode_);
    std::swap(process_, other.process_);
    return *this;
  }
  ~socket_file() { remove(); }

  void remove() noexcept;

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  pid_t process_ = 0;
};

}  // namespace braid::unix_domain::detail
