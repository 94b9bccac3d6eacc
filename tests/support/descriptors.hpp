#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <system_error>
#include <utility>

namespace braid_tests {

/// How many descriptors this process has open. If the number has not changed, none leaked.
inline std::size_t open_descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
  if (folder == nullptr) throw std::system_error(errno, std::generic_category(), "opendir /proc/self/fd");
  std::size_t count = 0;
  while (const dirent* entry = ::readdir(folder.get()))
    if (entry->d_name[0] != '.') ++count;
  return count - 1;  // the descriptor of the folder itself
}

/// How many bytes can be read at once. 0 means that a reader has taken them.
inline int readable_bytes_of(int descriptor) {
  int count = 0;
  if (::ioctl(descriptor, FIONREAD, &count) != 0)
    throw std::system_error(errno, std::generic_category(), "FIONREAD");
  return count;
}

/// A pipe that closes its ends when it is destroyed; release gives an end away.
class pipe_ends {
 public:
  explicit pipe_ends(int flags = 0) {
    if (::pipe2(ends_, flags | O_CLOEXEC) != 0)
      throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;
  ~pipe_ends() {
    close_reader();
    close_writer();
  }

  [[nodiscard]] int reader() const noexcept { return ends_[0]; }
  [[nodiscard]] int writer() const noexcept { return ends_[1]; }
  [[nodiscard]] int release_reader() noexcept { return std::exchange(ends_[0], -1); }
  [[nodiscard]] int release_writer() noexcept { return std::exchange(ends_[1], -1); }
  void close_reader() noexcept { close(ends_[0]); }
  void close_writer() noexcept { close(ends_[1]); }

 private:
  static void close(int& end) noexcept {
    if (end >= 0) ::close(std::exchange(end, -1));
  }
  int ends_[2];
};

}  // namespace braid_tests
