#include "stepwise.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "braid/loop/detail/perform.hpp"

namespace braid::detail::stepwise {

namespace {

constexpr int step_ms = 5;

class number {
 public:
  explicit number(int open = -1) noexcept : open_(open) {}
  number(const number&) = delete;
  number& operator=(const number&) = delete;
  ~number() {
    if (open_ >= 0) ::close(open_);
  }
  [[nodiscard]] int get() const noexcept { return open_; }
  [[nodiscard]] int release() noexcept { return std::exchange(open_, -1); }

 private:
  int open_;
};

std::int32_t made_blocking(number& open) noexcept {
  const int flags = ::fcntl(open.get(), F_GETFL);
  if (flags < 0 || ::fcntl(open.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) return -errno;
  return open.release();
}

// Waits one step for a writer. A writer that has written, or has opened and closed the FIFO, shows in poll's
// events. A silent one makes an empty FIFO answer EAGAIN instead of its end; tee(2) finds that out without
// taking anything.
std::int32_t find_writer(int reader, int scratch) noexcept {
  const ssize_t there = ::tee(reader, scratch, 1, SPLICE_F_NONBLOCK);
  if (there != 0) return there > 0 || errno == EAGAIN ? 1 : -errno;
  pollfd one{reader, POLLIN, 0};
  const int ready = ::poll(&one, 1, step_ms);
  return ready < 0 && errno != EINTR ? -errno : std::max(ready, 0);
}

std::int32_t open_to_read(const request& at_once, still_wanted& wanted) noexcept {
  number reader(detail::perform(at_once));
  if (reader.get() < 0) return reader.get();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return -errno;
  const number unused(ends[0]), scratch(ends[1]);
  while (wanted())
    if (const std::int32_t found = find_writer(reader.get(), scratch.get()); found != 0)
      return found < 0 ? found : made_blocking(reader);
  return -ECANCELED;
}

std::int32_t open_to_write(const request& at_once, still_wanted& wanted) noexcept {
  while (wanted()) {
    number writer(detail::perform(at_once));
    if (writer.get() >= 0) return made_blocking(writer);
    if (writer.get() != -ENXIO) return writer.get();  // ENXIO: there is no reader
    ::poll(nullptr, 0, step_ms);
  }
  return -ECANCELED;
}

// Opens the terminal again with O_NONBLOCK, because setting the flag on the given descriptor would affect
// every process that shares it. -1 for the end that a terminal emulator holds, which cannot be opened twice.
int open_again(int terminal) noexcept {
  unsigned its_number;
  if (::ioctl(terminal, TIOCGPTN, &its_number) == 0) return -1;
  char path[32];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", terminal);
  return ::open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

}  // namespace

std::int32_t open_fifo(const request& what, still_wanted& wanted) noexcept {
  request at_once = what;
  at_once.flags |= O_NONBLOCK;
  return (what.flags & O_ACCMODE) == O_RDONLY ? open_to_read(at_once, wanted)
                                              : open_to_write(at_once, wanted);
}

std::int32_t write_to_terminal(const request& what, still_wanted& wanted) noexcept {
  const number again(open_again(what.descriptor));
  request part = what;
  part.flags = 0;
  part.offset = request::current_position;
  if (again.get() >= 0) part.descriptor = again.get();
  std::uint32_t done = 0;
  while (done != what.length && wanted()) {
    pollfd one{part.descriptor, POLLOUT, 0};
    if (::poll(&one, 1, step_ms) <= 0) continue;
    part.address = static_cast<char*>(what.address) + done;
    part.length = again.get() >= 0 ? what.length - done : 1;  // the event promises room for one byte only
    const std::int32_t ended = detail::perform(part);
    if (ended > 0) {
      done += static_cast<std::uint32_t>(ended);
    } else if (ended == -EAGAIN) {
      ::poll(nullptr, 0, step_ms);  // the end of a line may need more room than there is
    } else if (ended != -EINTR) {
      return done != 0 ? static_cast<std::int32_t>(done) : ended;
    }
  }
  return done != 0 ? static_cast<std::int32_t>(done) : -ECANCELED;
}

}  // namespace braid::detail::stepwise
