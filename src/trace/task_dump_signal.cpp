#include "braid/trace/task_dump_signal.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace braid {

namespace {

// The signal handler touches only lock-free atomics.
std::atomic<task_dump_signal*> first{nullptr};
std::atomic<int> handlers_running{0};
static_assert(std::atomic<task_dump_signal*>::is_always_lock_free && std::atomic<bool>::is_always_lock_free &&
              std::atomic<int>::is_always_lock_free);

// Guards registering and leaving. The signal handler never takes it.
std::mutex registering;
struct signal_use {
  int users = 0;
  struct sigaction before;
};
std::array<signal_use, NSIG> uses;

}  // namespace

task_dump_signal::task_dump_signal(int signal, sink to)
    : operation_base(on_finish), signal_(signal), to_(std::move(to)) {
  if (home_.operations().tracker() == nullptr)
    throw std::logic_error(
        "task_dump_signal: this loop does not track its tasks; make it with loop_options{.track_tasks = "
        "true}, "
        "or set BRAID_TRACK_TASKS=1");
  const std::lock_guard lock(registering);
  install();
  next_signalled_.store(first.load());
  first.store(this);
}

void task_dump_signal::install() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  struct sigaction before;
  if (signal_ <= 0 || signal_ >= NSIG || ::sigaction(signal_, &action, &before) != 0)
    throw std::system_error(EINVAL, std::generic_category(),
                            "task_dump_signal: signal " + std::to_string(signal_));
  signal_use& use = uses[static_cast<std::size_t>(signal_)];
  if (use.users++ == 0) use.before = before;
}

task_dump_signal::~task_dump_signal() {
  {
    const std::lock_guard lock(registering);
    signal_use& use = uses[static_cast<std::size_t>(signal_)];
    if (--use.users == 0) ::sigaction(signal_, &use.before, nullptr);
    std::atomic<task_dump_signal*>* link = &first;
    while (link->load() != this) link = &link->load()->next_signalled_;
    link->store(next_signalled_.load());
  }
  // A handler on another thread may still use this object; one on this thread has returned.
  while (handlers_running.load() != 0) std::this_thread::yield();
  if (on_its_way_.load()) home_.operations().withdraw_ready(*this);
}

// Async-signal-safe: atomics, and a write to an eventfd if the loop sleeps. At most one delivery is on its
// way: another signal before the loop has printed changes nothing.
void task_dump_signal::on_signal(int signal) noexcept {
  const int kept = errno;
  handlers_running.fetch_add(1);
  for (task_dump_signal* each = first.load(); each != nullptr; each = each->next_signalled_.load())
    if (each->signal_ == signal && !each->on_its_way_.exchange(true)) each->home_.operations().deliver(*each);
  handlers_running.fetch_sub(1);
  errno = kept;
}

void task_dump_signal::on_finish(operation_base& base, completion) noexcept {
  auto& self = static_cast<task_dump_signal&>(base);
  self.on_its_way_.store(false);
  try {
    self.to_(dump_tasks(self.home_));
  } catch (...) {
    self.home_.report_unhandled(error::current(), nullptr);
  }
}

void task_dump_signal::to_stderr(const task_dump& dump) {
  std::fprintf(stderr, "braid: the tasks of a loop:\n%s", format_tasks(dump).c_str());
}

}  // namespace braid
