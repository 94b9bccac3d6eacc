#pragma once

#include <pthread.h>

#include <csignal>

namespace braid::detail {

/// Starts a thread that blocks all signals except those of a fault, so that the program's own threads get
/// them. False if the system has no thread left.
[[nodiscard]] inline bool start_quiet_thread(pthread_t& thread, int detach_state,
                                             void* (*run)(void*) noexcept, void* with) noexcept {
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return false;
  ::pthread_attr_setdetachstate(&attributes, detach_state);
  // A thread inherits its maker's mask, so the signals are blocked in it from the start.
  sigset_t blocked, before;
  ::sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT})
    ::sigdelset(&blocked, fault);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const bool started = ::pthread_create(&thread, &attributes, run, with) == 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);
  return started;
}

}  // namespace braid::detail
