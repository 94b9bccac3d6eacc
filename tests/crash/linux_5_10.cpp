// Reads a file and sleeps as on Linux 5.10. That kernel has no epoll_pwait2, and a read of uncached data
// returns 0 as at the end of a file. Exits with 0 if both work. The first argument is the path of a file to
// write.

#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

#include "../support/seccomp.hpp"
#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/run.hpp"

// Replaces the C library's function: the linker takes the program's first.
extern "C" int uname(utsname* into) noexcept {
  *into = {};
  std::strcpy(into->sysname, "Linux");
  std::strcpy(into->release, "5.10.0-braid");
  return 0;
}
extern "C" ssize_t preadv2(int, const iovec*, int, off_t, int flags) {
  if ((flags & RWF_NOWAIT) != 0) return 0;  // no data is ever cached
  errno = ENOSYS;
  return -1;
}

namespace {

using namespace braid;

int use_a_loop(const std::string& path) {
  const std::string text(10000, 'x');
  loop home;
  home.run(write_file(path, text));
  if (home.run(read_file(path)) != text) return 1;
  const file empty = home.run(open_file(path, O_RDWR | O_TRUNC));
  std::string room(1, '?');
  if (home.run(empty.read_some(room)) != 0) return 2;  // a real end of file
  const auto before = loop_clock::now();
  home.run(sleep_for(std::chrono::microseconds(1500)));
  return loop_clock::now() - before < std::chrono::microseconds(1500) ? 3 : 0;
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 64;
  braid_tests::forbid(441, ENOSYS);  // epoll_pwait2
  return use_a_loop(words[1]);
}
