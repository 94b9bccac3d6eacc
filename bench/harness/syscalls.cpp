#include "syscalls.hpp"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

namespace bench {
namespace {

/// A mark for the tracer: getpid ignores its arguments, and the tracer reads them.
constexpr std::uint64_t mark_word = 0x6272616964;
void mark() { ::syscall(SYS_getpid, mark_word); }

constexpr int no_ptrace = 126;
constexpr unsigned longest_s = 30;

[[noreturn]] void become_traced(const workload& what, const style& how) {
  const std::string option{traced_option};
  const std::string workload_name{what.name};
  const std::string style_name{how.name};
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(no_ptrace);
  ::raise(SIGSTOP);  // until the tracer has set its options
  ::execl("/proc/self/exe", "braid_bench", option.c_str(), workload_name.c_str(), style_name.c_str(),
          nullptr);
  ::_exit(no_ptrace);
}

/// Follows one child and its threads, and counts the system calls between its marks.
class tracer {
 public:
  explicit tracer(pid_t child) : child_(child) {}

  /// True when the child ended well and all marks were seen.
  bool follow() {
    int status = 0;
    if (::waitpid(child_, &status, 0) != child_ || !WIFSTOPPED(status)) return false;
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (::ptrace(PTRACE_SETOPTIONS, child_, nullptr, options) != 0) return give_up();
    resume(child_, 0);
    for (;;) {
      const pid_t thread = ::waitpid(-1, &status, __WALL);
      if (thread < 0) return false;
      if (WIFSTOPPED(status)) {
        if (!stopped(thread, status)) return give_up();
      } else if (thread == child_) {
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 && marks_ == 3;
      }
    }
  }

  [[nodiscard]] double once() const { return static_cast<double>(calls_[1]); }
  [[nodiscard]] double twice() const { return static_cast<double>(calls_[2]); }

 private:
  bool stopped(pid_t thread, int status) {
    const int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
      if (!count(thread)) return false;
      resume(thread, 0);
    } else {
      const bool ours = status >> 16 != 0 || signal == SIGSTOP;  // an event, or a new thread's first stop
      resume(thread, ours ? 0 : signal);
    }
    return true;
  }

  bool count(pid_t thread) {
    __ptrace_syscall_info info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) {
      return false;
    }
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return true;
    if (info.entry.nr == SYS_getpid && info.entry.args[0] == mark_word) {
      ++marks_;
    } else if (marks_ < calls_.size()) {
      ++calls_[marks_];
    }
    return true;
  }

  static void resume(pid_t thread, int signal) { ::ptrace(PTRACE_SYSCALL, thread, nullptr, signal); }

  bool give_up() {
    ::kill(child_, SIGKILL);
    while (::waitpid(-1, nullptr, __WALL) > 0) {}
    return false;
  }

  pid_t child_;
  std::size_t marks_ = 0;
  std::array<std::uint64_t, 3> calls_{};  // before the first mark, then after each
};

}  // namespace

std::optional<double> syscalls_per_operation(const workload& what, const style& how) {
  const pid_t child = ::fork();
  if (child < 0) return std::nullopt;
  if (child == 0) become_traced(what, how);
  tracer tracing(child);
  if (!tracing.follow()) return std::nullopt;
  return (tracing.twice() - tracing.once()) / static_cast<double>(what.counted);
}

int run_traced(const workload& what, const style& how) {
  ::alarm(longest_s);  // a style that hangs must not hang the counting process
  const auto made = how.make();
  bool right = made->run(what.counted) == what.proof(what.counted);
  mark();
  right &= made->run(what.counted) == what.proof(what.counted);
  mark();
  right &= made->run(2 * what.counted) == what.proof(2 * what.counted);
  mark();
  return right ? 0 : 1;
}

}  // namespace bench
