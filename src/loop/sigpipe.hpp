#pragma once

#include <pthread.h>

#include <csignal>
#include <cstdint>

namespace braid::detail {

/// RWF_NOSIGNAL where this kernel has it (Linux 6.18), else 0.
[[nodiscard]] std::uint32_t rwf_nosignal() noexcept;

/// Keeps a write that this thread makes from raising SIGPIPE, where no flag can: blocked meanwhile, and taken
/// when it has come.
class sigpipe_guard {
 public:
  sigpipe_guard() noexcept {
    sigset_t pending;
    ::sigemptyset(&sigpipe_);
    ::sigaddset(&sigpipe_, SIGPIPE);
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  sigpipe_guard(const sigpipe_guard&) = delete;
  sigpipe_guard& operator=(const sigpipe_guard&) = delete;
  ~sigpipe_guard() {
    const timespec at_once{};
    if (came_ && !was_pending_) ::sigtimedwait(&sigpipe_, nullptr, &at_once);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  /// The write failed as EPIPE.
  void note_broken_pipe() noexcept { came_ = true; }

 private:
  sigset_t sigpipe_, before_;
  bool was_pending_ = false, came_ = false;
};

}  // namespace braid::detail
