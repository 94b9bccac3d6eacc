#include "braid/loop/detail/signal_listener.hpp"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace braid::detail {

namespace {

constexpr int most_signals = 64;

constexpr std::uint64_t bit_of(int signal) noexcept { return std::uint64_t{1} << (signal - 1); }

template <class F>
void for_each_signal(std::uint64_t signals, F f) {
  for (; signals != 0; signals &= signals - 1) f(std::countr_zero(signals) + 1);
}

// After the handler of a fault has returned, the fault would happen again.
bool can_wait_for(int signal) noexcept {
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGKILL, SIGSTOP})
    if (signal == fault) return false;
  return signal > 0 && signal <= most_signals;
}

sigset_t set_of(std::uint64_t signals) noexcept {
  sigset_t made;
  ::sigemptyset(&made);
  for_each_signal(signals, [&](int each) { ::sigaddset(&made, each); });
  return made;
}

// The signal handler touches only lock-free atomics.
std::atomic<signal_listener*> first{nullptr};
std::atomic<int> handlers_running{0};
std::atomic<pid_t> process{0};
static_assert(std::atomic<signal_listener*>::is_always_lock_free && std::atomic<bool>::is_always_lock_free &&
              std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<pid_t>::is_always_lock_free);

// Guards making and destroying. The signal handler never takes it.
std::mutex registering;
struct signal_use {
  int users = 0;
  struct sigaction before;
};
std::array<signal_use, most_signals + 1> uses;

signal_use& use_of(int signal) noexcept { return uses[static_cast<std::size_t>(signal)]; }

void restore(int signal, void (*handler)(int)) noexcept {
  struct sigaction now;
  const bool ours = ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == handler;
  if (ours) ::sigaction(signal, &use_of(signal).before, nullptr);
}

}  // namespace

signal_listener::signal_listener(const char* call, std::span<const int> signals, signal_fn& on_signal)
    : operation_base(on_delivery), home_(loop::current(call)), on_signal_(on_signal) {
  for (const int each : signals) {
    if (!can_wait_for(each))
      throw std::system_error(EINVAL, std::generic_category(),
                              std::string(call) + ": signal " + std::to_string(each));
    signals_ |= bit_of(each);
  }
  [[maybe_unused]] static const int registered =
      ::pthread_atfork([] { registering.lock(); }, [] { registering.unlock(); },
                       [] {
                         registering.unlock();
                         after_fork();
                       });
  const std::lock_guard lock(registering);
  process = ::getpid();
  install(call);
  next_ = first.load();
  first = this;
  unblock();
}

void signal_listener::install(const char* call) {
  std::uint64_t done = 0;
  int failed = 0;
  for_each_signal(signals_, [&](int each) {
    struct sigaction action{};
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    signal_use& use = use_of(each);
    if (failed == 0 && ::sigaction(each, &action, use.users == 0 ? &use.before : nullptr) != 0) failed = each;
    if (failed != 0) return;
    ++use.users;
    done |= bit_of(each);
  });
  if (failed == 0) return;
  for_each_signal(done, [](int each) {
    if (--use_of(each).users == 0) restore(each, handle);
  });
  throw std::system_error(EINVAL, std::generic_category(),
                          std::string(call) + ": signal " + std::to_string(failed));
}

// The list has it already: a signal that was pending arrives within this call.
void signal_listener::unblock() noexcept {
  const sigset_t wanted = set_of(signals_);
  sigset_t before;
  ::pthread_sigmask(SIG_UNBLOCK, &wanted, &before);
  for_each_signal(signals_, [&](int each) {
    if (::sigismember(&before, each) == 1) unblocked_ |= bit_of(each);
  });
}

// Before the actions are restored, so that no signal meets one that ends the program. A signal for which the
// loop has other listeners stays unblocked until the last of them is destroyed.
void signal_listener::block_again() noexcept {
  for (signal_listener* each = first.load(); each != nullptr; each = each->next_.load()) {
    if (&each->home_ != &home_) continue;
    each->unblocked_ |= unblocked_ & each->signals_;
    unblocked_ &= ~each->signals_;
  }
  const sigset_t blocked = set_of(unblocked_);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
}

signal_listener::~signal_listener() {
  bool of_parent = true;
  {
    const std::lock_guard lock(registering);
    std::atomic<signal_listener*>* link = &first;
    while (link->load() != nullptr && link->load() != this) link = &link->load()->next_;
    if (link->load() == this) {
      of_parent = false;
      link->store(next_.load());
      block_again();
      for_each_signal(signals_, [](int each) {
        if (--use_of(each).users == 0) restore(each, handle);
      });
    }
  }
  // A handler on another thread may still use this object; one on this thread has returned.
  while (!of_parent && handlers_running.load() != 0) std::this_thread::yield();
  if (on_its_way_.load()) home_.operations().withdraw_ready(*this);
}

int signal_listener::take() noexcept {
  const std::uint64_t arrived = arrived_.load();
  if (arrived == 0) return 0;
  const int lowest = std::countr_zero(arrived) + 1;
  arrived_.fetch_and(~bit_of(lowest));  // only the loop's thread takes
  return lowest;
}

void signal_listener::put_back(int signal) noexcept { arrived_.fetch_or(bit_of(signal)); }

// Async-signal-safe: atomics, and a write to an eventfd if the loop sleeps. At most one delivery of each
// listener is on its way. In a forked child that has not run after_fork yet there is nobody to tell.
void signal_listener::handle(int signal) noexcept {
  const int kept = errno;
  handlers_running.fetch_add(1);
  if (process.load() == ::getpid())
    for (signal_listener* each = first.load(); each != nullptr; each = each->next_.load()) {
      if ((each->signals_ & bit_of(signal)) == 0) continue;
      each->arrived_.fetch_or(bit_of(signal));
      if (!each->on_its_way_.exchange(true)) each->home_.operations().deliver(*each);
    }
  handlers_running.fetch_sub(1);
  errno = kept;
}

void signal_listener::on_delivery(operation_base& base, completion) noexcept {
  auto& self = static_cast<signal_listener&>(base);
  self.on_its_way_.store(false);
  self.on_signal_(self);
}

void signal_listener::after_fork() noexcept {
  if (process.load() == ::getpid()) return;
  new (&registering) std::mutex;  // a thread of the parent may have held it
  process = ::getpid();
  handlers_running = 0;
  first = nullptr;
  for (int each = 1; each <= most_signals; ++each)
    if (std::exchange(use_of(each).users, 0) != 0) restore(each, handle);
}

}  // namespace braid::detail
