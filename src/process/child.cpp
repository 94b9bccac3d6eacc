#include "braid/process/child.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/loop/loop.hpp"
#include "braid/net/wait_readable.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/start.hpp"
#include "made_of.hpp"

namespace braid::process {

namespace {

constexpr auto by_handle = static_cast<idtype_t>(3);  // P_PIDFD, which old C libraries do not declare

[[noreturn]] void fail(const char* call, pid_t pid) {
  braid::error(std::error_code(errno, std::generic_category()), call, "process " + std::to_string(pid))
      .rethrow();
}

int send(const descriptor& handle, int signal) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, handle.number(), signal, nullptr, 0));
}

// A process that was killed. The destructor reaps it.
class killed {
 public:
  explicit killed(descriptor handle) noexcept : handle_(std::move(handle)) {}
  killed(killed&&) = default;
  ~killed() {
    siginfo_t ended{};
    if (handle_.is_open())
      while (::waitid(by_handle, static_cast<id_t>(handle_.number()), &ended, WEXITED) < 0 &&
             errno == EINTR) {}
  }
  [[nodiscard]] const descriptor& handle() const noexcept { return handle_; }

 private:
  descriptor handle_;
};

task<> reap_later(killed one) {
  auto waiting = as_result(wait_readable(one.handle()));
  (void)co_await std::move(waiting);  // where the loop ends, the destructor waits
}

}  // namespace

child made_of(pid_t pid, file input, file output, file error) {
  const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (handle >= 0)
    return child(pid, descriptor(handle), std::move(input), std::move(output), std::move(error));
  const int why = errno;
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
  errno = why;
  fail("process::spawn: pidfd_open", pid);
}

child::child(pid_t pid, descriptor handle, file input, file output, file error) noexcept
    : pid_(pid),
      made_by_(::getpid()),
      handle_(std::move(handle)),
      input_(std::move(input)),
      output_(std::move(output)),
      error_(std::move(error)) {}

child::child(child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      made_by_(other.made_by_),
      handle_(std::move(other.handle_)),
      ended_(other.ended_),
      input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      error_(std::move(other.error_)) {}

child& child::operator=(child&& other) noexcept {
  if (this == &other) return *this;
  leave();
  pid_ = std::exchange(other.pid_, -1);
  made_by_ = other.made_by_;
  handle_ = std::move(other.handle_);
  ended_ = other.ended_;
  input_ = std::move(other.input_);
  output_ = std::move(other.output_);
  error_ = std::move(other.error_);
  return *this;
}

child::~child() { leave(); }

void child::leave() noexcept {
  if (pid_ < 0 || ended_ || made_by_ != ::getpid()) return;
  send(handle_, SIGKILL);
  killed one(std::move(handle_));
  if (loop::current_or_null() == nullptr) return;
  try {
    detach(reap_later(std::move(one)));
  } catch (...) {
    return;  // without memory for it: `one`, or the task's parameter, has reaped it
  }
}

task<exit_status> child::wait() {
  while (!ended_) {
    co_await wait_readable(handle_);
    if (!ended_) reap();
  }
  co_return *ended_;
}

// The handle is readable, so that this does not wait.
void child::reap() {
  siginfo_t how{};
  if (::waitid(by_handle, static_cast<id_t>(handle_.number()), &how, WEXITED | WNOHANG) != 0)
    fail("process::child::wait", pid_);
  if (how.si_pid == 0) return;
  ended_ =
      how.si_code == CLD_EXITED ? exit_status{.code = how.si_status} : exit_status{.signal = how.si_status};
}

task<exit_status> child::stop(loop_clock::duration grace) {
  kill(SIGTERM);
  auto waiting = as_result(with_timeout(wait(), grace));
  const result<exit_status> ended = co_await std::move(waiting);
  if (ended) co_return *ended;
  kill(SIGKILL);
  auto end = shield(wait());
  co_return co_await std::move(end);
}

bool child::kill(int signal) {
  if (ended_) return false;
  if (send(handle_, signal) == 0) return true;
  if (errno != ESRCH) fail("process::child::kill", pid_);
  return false;
}

pid_t child::release() noexcept { return std::exchange(pid_, -1); }

}  // namespace braid::process
