#include "braid/loop/blocking_pool.hpp"

#include <pthread.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include "braid/base/frame_pool.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

namespace {

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

}  // namespace

// The process's, until its end. A forked child gets one of its own: of the parent's threads it has none,
// and of the parent's pool it may have a locked mutex.
struct blocking_pool::holder {
  holder() : pool(new blocking_pool) {
    ::pthread_atfork(nullptr, nullptr, [] {
      holder& here = the_one();
      here.parents.push_back(here.pool.release());
      here.pool.reset(new blocking_pool);
    });
  }
  static holder& the_one() {
    static holder all;
    return all;
  }
  std::unique_ptr<blocking_pool> pool;
  std::vector<blocking_pool*> parents;  // never destroyed: their threads cannot be joined here
};

blocking_pool& blocking_pool::instance() { return *holder::the_one().pool; }

blocking_pool::blocking_pool() : most_threads_(threads_wanted()) {}

blocking_pool::~blocking_pool() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  has_jobs_.notify_all();
  for (std::thread& each : threads_) each.join();
}

void blocking_pool::submit(blocking_job& job) {
  std::lock_guard lock(mutex_);
  if (waiting_jobs_ >= idle_threads_ && threads_.size() < most_threads_) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) throw;  // else one of those that run will come to it
    }
  }
  jobs_.push_back(job);
  ++waiting_jobs_;
  has_jobs_.notify_one();
}

bool blocking_pool::withdraw(blocking_job& job) noexcept {
  const std::lock_guard lock(mutex_);
  if (!jobs_.remove(job)) return false;
  --waiting_jobs_;
  return true;
}

void blocking_pool::work() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_threads_;
    has_jobs_.wait(lock, [this] { return !jobs_.empty() || ending_; });
    --idle_threads_;
    if (jobs_.empty()) return;
    blocking_job& job = jobs_.pop_front();
    --waiting_jobs_;
    lock.unlock();
    job.carry_out();
    lock.lock();
  }
}

void reactor::offload(blocking_job& job) { blocking_pool::instance().submit(job); }

namespace {

// Carries an operation's request to the pool and its completion back.
class performed final : blocking_job, operation_base, pooled {
 public:
  using pooled::operator new, pooled::operator delete;
  performed(io_operation& operation, loop& home) noexcept
      : blocking_job(on_pool), operation_base(on_loop), operation_(operation), home_(home) {}
  static void begin(io_operation& operation) {
    auto* self = new performed(operation, loop::current());
    self->home_.expect_delivery();
    try {
      blocking_pool::instance().submit(*self);
    } catch (...) {
      self->ended_ = -EAGAIN;
      self->home_.deliver(*self);  // not make_ready: the loop may be about to sleep
    }
  }

 private:
  static void on_pool(blocking_job& job) noexcept {
    auto& self = static_cast<performed&>(job);
    self.ended_ = perform(self.operation_.what());
    self.home_.deliver(self);
  }
  static void on_loop(operation_base& base, completion) noexcept;

  io_operation& operation_;
  loop& home_;
  std::int32_t ended_ = 0;
};

// Reaches an operation's end from outside a reactor's turn.
struct arrival : reactor {
  static void at(io_operation& operation, completion ended) noexcept { arrive(operation, ended); }
};

void performed::on_loop(operation_base& base, completion) noexcept {
  auto& self = static_cast<performed&>(base);
  io_operation& operation = self.operation_;
  const completion ended{self.ended_, 0};
  self.home_.delivery_came();
  delete &self;
  arrival::at(operation, ended);
}

}  // namespace

void perform_on_pool(io_operation& operation) noexcept { performed::begin(operation); }

}  // namespace braid
