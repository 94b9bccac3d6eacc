#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

#include "braid/fs/file.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/style/task.hpp"

namespace braid::process {

/// How a process ended.
///
///     const process::exit_status how{.code = 1};
///     if (!how.is_success()) log("failed");
struct exit_status {
  int code = 0;    ///< what it returned from main or gave to exit
  int signal = 0;  ///< the signal that ended it, or 0
  [[nodiscard]] bool is_success() const noexcept { return code == 0 && signal == 0; }
  friend bool operator==(const exit_status&, const exit_status&) = default;
};

/// A process that spawn has begun.
///
///     auto sorting = process::spawn({"sort"}, {.input = process::pipe, .output = process::pipe});
///     process::child sort = co_await std::move(sorting);
///     co_await sort.input().write_all("b\na\n");
///     co_await sort.input().close();
///     std::string sorted(4, '\0');
///     co_await sort.output().read_exactly(sorted);
///     const process::exit_status how = co_await sort.wait();
///
/// Lifetime  outlives its waits, and stays at its address meanwhile. The destructor of a process that nobody
///           has waited for to its end kills it with SIGKILL, and leaves it to the current loop to reap it,
///           so that no zombie stays; without a loop it waits for that. release() leaves the process alone.
/// Threads   one loop's.
class child {
 public:
  child(child&& other) noexcept;
  child& operator=(child&& other) noexcept;
  ~child();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Our ends of the pipes to its standard streams. One that is no pipe is closed.
  [[nodiscard]] file& input() noexcept { return input_; }
  [[nodiscard]] file& output() noexcept { return output_; }
  [[nodiscard]] file& error() noexcept { return error_; }

  /// Waits until the process has ended, and reaps it. Several waits may be in flight; later ones complete at
  /// once.
  /// Errors  no_child_process if the program has SIGCHLD ignored, or waits for all children elsewhere.
  /// Cancel  leaves the process running.
  [[nodiscard]] task<exit_status> wait();
  /// Sends SIGTERM, and SIGKILL if it has not ended within the grace period; waits for its end.
  /// Cancel  ends the grace period.
  [[nodiscard]] task<exit_status> stop(loop_clock::duration grace = std::chrono::seconds(5));
  /// Sends a signal; false if the process has ended. Throws std::system_error. A number that is used again
  /// never gets it.
  bool kill(int signal);
  /// Leaves the process to the caller, who reaps it.
  [[nodiscard]] pid_t release() noexcept;

 private:
  friend child made_of(pid_t pid, file input, file output, file error);
  child(pid_t pid, descriptor handle, file input, file output, file error) noexcept;
  void reap();
  void leave() noexcept;

  pid_t pid_;  // -1 when this has nothing to do with it any more
  pid_t made_by_;  // a forked copy of this object does nothing
  descriptor handle_;  // of pidfd_open
  std::optional<exit_status> ended_;
  file input_, output_, error_;
};

}  // namespace braid::process
