#include "sigpipe.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace braid::detail {

namespace {

constexpr std::uint32_t no_signal = 0x100;  // RWF_NOSIGNAL, newer than the system's headers

// A kernel that does not know a flag refuses it.
bool takes_no_signal() noexcept {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  char byte = 0;
  const iovec part{&byte, 1};
  const bool takes = ::pwritev2(ends[1], &part, 1, -1, no_signal) == 1;
  ::close(ends[0]);
  ::close(ends[1]);
  return takes;
}

}  // namespace

std::uint32_t rwf_nosignal() noexcept {
  static const bool has = takes_no_signal();
  return has ? no_signal : 0;
}

}  // namespace braid::detail
