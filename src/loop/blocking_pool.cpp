#include "braid/loop/detail/blocking_pool.hpp"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "quiet_thread.hpp"

#include "braid/loop/blocking_wait.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

namespace {

constexpr std::size_t most_aside = 256;
constexpr auto long_time = std::chrono::milliseconds(100);

std::size_t threads_wanted() {
  const char* text = std::getenv("BRAID_BLOCKING_THREADS");
  if (text == nullptr) return 4;
  const std::string word(text);
  std::size_t count = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), count);
  if (failed != std::errc{} || end != word.data() + word.size() || count < 1 || count > 1024)
    throw std::invalid_argument("BRAID_BLOCKING_THREADS is '" + word + "'; it takes a number from 1 to 1024");
  return count;
}

[[noreturn]] void throw_no_thread(const char* call) {
  throw std::system_error(
      std::make_error_code(std::errc::resource_unavailable_try_again),
      std::string(call) +
          ": no thread of the blocking pool is left for it: all of them wait, and none can "
          "be added");
}

}  // namespace

// One of the pool's threads and its state. Guarded by the pool's mutex.
struct blocking_pool::worker : list_node {
  explicit worker(blocking_pool& its) noexcept : pool(its) {}
  blocking_pool& pool;
  const blocking_job* at = nullptr;  // its job, while that may be abandoned
  bool lasts = false;     // its job may take long
  bool held = false;      // its job cannot be abandoned
  bool unwanted = false;  // an abandon of its job was tried
  bool aside = false;     // does not count
  unsigned waits = 0;     // how many blocking_waits are nested

  static thread_local worker* here;
};
thread_local blocking_pool::worker* blocking_pool::worker::here = nullptr;

// The process's pool. It is never destroyed, since its threads, static destructors and loops that end late
// may still use it. A forked child gets a pool of its own: it has none of the parent's threads, and the
// mutex of the parent's pool may be locked.
struct blocking_pool::process {
  process() : pool(new blocking_pool(threads_wanted())), id(::getpid()) {
    ::pthread_sigmask(SIG_SETMASK, nullptr, &signals);
    ::pthread_atfork(nullptr, nullptr, after_fork);
    std::atexit([] {
      if (the_one()->id == ::getpid()) the_one()->pool->end_idle_threads();
    });
  }
  static process*& the_one() noexcept {
    static process* one = nullptr;
    return one;
  }
  blocking_pool* pool;
  pid_t id;
  sigset_t signals;  // of the thread that made the pool
};

blocking_pool& blocking_pool::instance() {
  [[maybe_unused]] static const bool made = (process::the_one() = new process, true);
  return *process::the_one()->pool;
}

void blocking_pool::after_fork() noexcept {
  process* const here = process::the_one();
  if (here == nullptr || here->id == ::getpid()) return;
  here->id = ::getpid();
  auto* const mine = new blocking_pool(here->pool->most_working_);
  mine->parents_ = std::exchange(here->pool, mine);
  if (worker::here == nullptr) return;
  worker::here = nullptr;
  ::pthread_sigmask(SIG_SETMASK, &here->signals, nullptr);
}

void blocking_pool::submit(blocking_job& job) {
  const std::lock_guard lock(mutex_);
  if (!find_threads_for(queued_ + 1)) throw_no_thread("offload");
  const bool is_inner = worker::here != nullptr && &worker::here->pool == this;
  (is_inner ? inner_jobs_ : jobs_).push_back(job);
  ++queued_;
  has_jobs_.notify_one();
}

bool blocking_pool::withdraw(blocking_job& job) noexcept {
  const std::lock_guard lock(mutex_);
  if (!jobs_.remove(job) && !inner_jobs_.remove(job)) return false;
  --queued_;
  return true;
}

bool blocking_pool::abandon(blocking_job& job) noexcept {
  const process* const here = process::the_one();
  return here != nullptr && here->pool->leave(job);
}

bool blocking_pool::leave(const blocking_job& job) noexcept {
  const std::lock_guard lock(mutex_);
  worker* found = nullptr;
  workers_.for_each([&](worker& each) {
    if (each.at == &job) found = &each;
  });
  if (found == nullptr) return false;
  found->unwanted = true;
  if (found->held) return false;
  set_aside(*found);
  return true;
}

bool blocking_pool::hold() noexcept {
  worker* const self = worker::here;
  if (self == nullptr) return true;  // a simulated thread
  const std::lock_guard lock(self->pool.mutex_);
  if (!self->unwanted) self->held = true;
  return self->held;
}

bool blocking_pool::end() noexcept {
  const bool wanted = hold();
  if (worker* const self = worker::here) {
    const std::lock_guard lock(self->pool.mutex_);
    self->at = nullptr;  // another job may get its address at once
  }
  return wanted;
}

bool blocking_pool::let_go() noexcept {
  worker* const self = worker::here;
  if (self == nullptr) return true;
  const std::lock_guard lock(self->pool.mutex_);
  if (self->unwanted) return false;
  self->held = false;
  return true;
}

bool blocking_pool::is_wanted() noexcept {
  worker* const self = worker::here;
  if (self == nullptr) return true;
  const std::lock_guard lock(self->pool.mutex_);
  return !self->unwanted;
}

// True when a thread will take that many queued jobs: an idle one, one started now, or one that works and
// will come to them later.
bool blocking_pool::find_threads_for(std::size_t jobs) noexcept {
  if (jobs <= idle_) return at_hand() != 0;
  if (at_hand() < most_working_) return start_thread() || at_hand() != 0;
  // All threads are busy. If one of their jobs may take long, an additional idle thread waits, to notice when
  // no job begins for a while.
  bool any_lasts = false;
  workers_.for_each([&](const worker& each) { any_lasts |= each.lasts && !each.aside; });
  if (any_lasts && idle_ == 0) (void)start_thread();
  return true;
}

bool blocking_pool::start_thread() noexcept {
  if (threads_ >= most_working_ + most_aside) return false;
  pthread_t thread;
  if (!start_quiet_thread(thread, PTHREAD_CREATE_DETACHED, run_thread, this)) return false;
  ++threads_;
  ++idle_;  // until it takes a job
  return true;
}

void* blocking_pool::run_thread(void* pool) noexcept {
  auto& its = *static_cast<blocking_pool*>(pool);
  worker self(its);
  worker::here = &self;
  its.work(self);
  return nullptr;
}

void blocking_pool::work(worker& self) noexcept {
  std::unique_lock lock(mutex_);
  workers_.push_back(self);
  for (;;) {
    await_job(lock);  // counted as idle
    if (!may_begin()) break;
    --idle_;
    blocking_job& job = next_job();
    self.at = job.may_take_long_ ? &job : nullptr;
    self.lasts = job.may_take_long_;
    if (queued_ != 0) (void)find_threads_for(queued_);  // this may have been the thread that watched
    lock.unlock();
    job.carry_out();
    if (worker::here == nullptr) return self.unlink();  // the job forked: this is the child
    lock.lock();
    self.at = nullptr;
    self.lasts = self.held = self.unwanted = false;
    count_again(self);
    ++idle_;
  }
  worker::here = nullptr;
  self.unlink();
  --idle_;
  --threads_;
  idle_thread_left_.notify_all();
}

// Waits until there is a job to begin, or the thread should end: at the process's end, or because too many
// threads are idle.
void blocking_pool::await_job(std::unique_lock<std::mutex>& lock) noexcept {
  while (!may_begin() && !ending_ && idle_ <= most_working_) {
    if (queued_ == 0) {
      has_jobs_.wait(lock);
      continue;
    }
    const std::uint64_t seen = begun_;
    if (has_jobs_.wait_for(lock, long_time) == std::cv_status::timeout && begun_ == seen && queued_ != 0)
      go_on_from_standstill();
  }
}

// Jobs are queued, and none has begun for long. Working threads may hang in a dead file system, and waiting
// threads may wait for the queued jobs.
void blocking_pool::go_on_from_standstill() noexcept {
  overdue_ = true;
  workers_.for_each([this](worker& each) {
    if (each.lasts) set_aside(each);
  });
}

blocking_job& blocking_pool::next_job() noexcept {
  --queued_;
  ++begun_;
  overdue_ = false;
  return (inner_jobs_.empty() ? jobs_ : inner_jobs_).pop_front();
}

void blocking_pool::set_aside(worker& one) noexcept {
  if (one.aside) return;
  one.aside = true;
  ++aside_;
  if (queued_ == 0) return;
  (void)find_threads_for(queued_);
  has_jobs_.notify_one();
}

void blocking_pool::count_again(worker& one) noexcept {
  if (!one.aside) return;
  one.aside = false;
  --aside_;
}

void blocking_pool::begin_wait(worker& self, const char* call) {
  const std::lock_guard lock(mutex_);
  if (++self.waits != 1) return;
  if (!self.lasts) ++waiting_;
  if (self.aside) return;
  set_aside(self);
  if (queued_ == 0 || at_hand() != 0) return;
  stop_waiting(self);
  throw_no_thread(call);
}

void blocking_pool::end_wait(worker& self) noexcept {
  const std::lock_guard lock(mutex_);
  stop_waiting(self);
  if (queued_ != 0) has_jobs_.notify_one();
}

void blocking_pool::stop_waiting(worker& self) noexcept {
  if (--self.waits != 0) return;
  if (!self.lasts) --waiting_;
  if (!self.unwanted) count_again(self);
}

// At the process's end, so that the thread-local objects of idle threads are gone before a leak check.
void blocking_pool::end_idle_threads() noexcept {
  std::unique_lock lock(mutex_);
  ending_ = true;
  has_jobs_.notify_all();
  idle_thread_left_.wait(lock, [this] { return idle_ == 0; });
  ending_ = false;  // static destructors may still use the pool
}

}  // namespace braid::detail

namespace braid {

bool blocking_wait::begin(const char* call) {
  detail::blocking_pool::worker* const self = detail::blocking_pool::worker::here;
  if (self == nullptr) return false;
  self->pool.begin_wait(*self, call);
  return true;
}

void blocking_wait::end() noexcept {
  if (detail::blocking_pool::worker* const self = detail::blocking_pool::worker::here)
    self->pool.end_wait(*self);
}

void reactor::offload(detail::blocking_job& job) { detail::blocking_pool::instance().submit(job); }
bool reactor::withdraw(detail::blocking_job& job) noexcept {
  return detail::blocking_pool::instance().withdraw(job);
}

}  // namespace braid
