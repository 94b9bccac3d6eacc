#include "kernel_reactor.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

namespace braid::detail {

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

}  // namespace braid::detail
