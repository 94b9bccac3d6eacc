#include "kernel_reactor.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include "filling_calls.hpp"
#include "nonblocking.hpp"

namespace braid::detail {

namespace {
// How many bytes the page cache gave, or -1.
std::int32_t read_if_cached(int descriptor, void* to, std::uint32_t length, std::uint64_t offset) noexcept {
  // -1 is the file's position, as request::current_position is.
  const auto got = static_cast<std::int32_t>(
      filling::preadv2(descriptor, iovec{to, length}, static_cast<off_t>(offset), RWF_NOWAIT));
  return got == 0 && nonblocking::may_take_uncached_for_end() ? -1 : got;
}
}  // namespace

void throw_refused(int code, const char* call) {
  std::string text = std::string("loop: ") + call;
  if (code == EMFILE)
    text += ": this process has no descriptor left: raise RLIMIT_NOFILE (ulimit -n) or close some";
  throw std::system_error(code, std::generic_category(), text);
}

// Reads of it wait: io_uring would complete a read of an O_NONBLOCK descriptor at once.
kernel_reactor::kernel_reactor() : wake_descriptor_(::eventfd(0, EFD_CLOEXEC)) {
  if (wake_descriptor_ < 0) throw_refused(errno, "eventfd");
}

void kernel_reactor::close_wake_descriptor() noexcept {
  if (const int closed = std::exchange(wake_descriptor_, -1); closed >= 0) ::close(closed);
}

void kernel_reactor::wake() noexcept {
  const std::uint64_t one = 1;
  while (::write(wake_descriptor_, &one, sizeof one) < 0 && errno == EINTR) {}
}

void kernel_reactor::await_wake(loop_clock::time_point limit) noexcept {
  const bool limited = limit != loop_clock::time_point::max();
  const auto left = limited ? kernel_time<timespec>(left_until(limit)) : timespec{};
  pollfd wakes{wake_descriptor_, POLLIN, 0};
  std::uint64_t count = 0;
  ++system_calls_;
  if (::ppoll(&wakes, 1, limited ? &left : nullptr, nullptr) == 1)
    (void)!::read(wake_descriptor_, &count, sizeof count);
}

// A read that the page cache can answer takes half as long without the ring, or a turn of epoll. What is
// partly cached becomes a request; at the file's position the cached part has been read, so it is the result.
std::int32_t kernel_reactor::read_cached(const request& what) noexcept {
  constexpr std::uint32_t most = 64 << 10;  // a longer copy holds the loop too long
  if (what.length > most || !cached_.worth_asking(what.descriptor)) return -1;
  ++system_calls_;
  std::int32_t got = read_if_cached(what.descriptor, what.address, what.length, what.offset);
  if (got > 0 && static_cast<std::uint32_t>(got) < what.length && what.offset != request::current_position) {
    ++system_calls_;
    std::byte one_more;
    if (read_if_cached(what.descriptor, &one_more, 1, what.offset + static_cast<std::uint32_t>(got)) != 0)
      got = -1;  // the file goes on
  }
  cached_.note(what.descriptor, got >= 0);
  return got;
}

}  // namespace braid::detail
