#pragma once

#include <pthread.h>

#include <csignal>
#include <cstdint>

namespace braid::detail {

/// RWF_NOSIGNAL where this kernel has it (Linux 6.18), else 0.
[[nodiscard]] std::uint32_t rwf_nosignal() noexcept;

/// Keeps a write on this thread from raising SIGPIPE, where no flag can. It blocks the signal meanwhile, and
/// takes it back if the write has raised it.
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
    if (raised_ && !was_pending_) ::sigtimedwait(&sigpipe_, nullptr, &at_once);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  /// Call it when the write has failed with EPIPE.
  void note_broken_pipe() noexcept { raised_ = true; }

 private:
  sigset_t sigpipe_, before_;
  bool was_pending_ = false, raised_ = false;
};

}  // namespace braid::detail
