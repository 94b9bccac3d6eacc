#include "braid/loop/detail/pool_threads.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "quiet_thread.hpp"

namespace braid::detail {

namespace {

// How often this process's ancestors have forked since the first pool was made: the threads of an earlier
// number are a parent's.
std::atomic<unsigned> forks{0};

// The pool that this thread works for.
constinit thread_local pool_threads* here = nullptr;

}  // namespace

pool_owner::pool_owner(const pool_threads::limits& most) : threads_(new pool_threads(most, nullptr)) {}

pool_owner::~pool_owner() {
  pool_threads* const last = threads_.load(std::memory_order_acquire);
  if (last->made_in_ == forks.load(std::memory_order_relaxed)) last->close();
}

pool_threads& pool_owner::threads() {
  pool_threads* known = threads_.load(std::memory_order_acquire);
  if (known->made_in_ == forks.load(std::memory_order_relaxed)) [[likely]]
    return *known;
  auto* const mine = new pool_threads(known->most_, known);
  if (threads_.compare_exchange_strong(known, mine, std::memory_order_acq_rel)) return *mine;
  delete mine;  // another thread of the child was faster
  return *known;
}

void pool_owner::after_fork() noexcept {
  forks.fetch_add(1, std::memory_order_relaxed);
  if (pool_threads* const parents = std::exchange(here, nullptr))
    ::pthread_sigmask(SIG_SETMASK, &parents->signals_, nullptr);
}

pool_threads::pool_threads(const limits& most, pool_threads* parents)
    : most_(most), parents_(parents), made_in_(forks.load(std::memory_order_relaxed)) {
  [[maybe_unused]] static const int registered = ::pthread_atfork(nullptr, nullptr, pool_owner::after_fork);
  ::pthread_sigmask(SIG_SETMASK, nullptr, &signals_);
  seats_.reserve(most.threads);
}

error pool_threads::failure(std::error_code code, const char* call) const noexcept {
  return error(code, call, most_.name.data());
}

bool pool_threads::is_this_thread(const seat& one) noexcept {
  return ::pthread_equal(one.id, ::pthread_self()) != 0;
}

bool pool_threads::is_full() const noexcept {
  const std::size_t inside = now_.running + now_.queued;
  return inside >= most_.threads && inside - most_.threads >= most_.queue;
}

std::optional<error> pool_threads::submit(offload_job& job, const char* call) noexcept {
  const bool simulated = job.home_->operations().simulates_threads();
  const std::lock_guard lock(mutex_);
  if (closing_) return failure(std::make_error_code(std::errc::operation_canceled), call);
  if (here == this) return failure(std::make_error_code(std::errc::resource_deadlock_would_occur), call);
  if (simulated != simulated_) {
    if (now_.running + now_.queued != 0)
      return misuse_error("offload_pool::run: the pool serves simulated loops or real ones, not both");
    simulated_ = simulated;
  }
  if (most_.refuses && is_full()) {
    ++now_.refused;
    return failure(errc::queue_full, call);
  }
  job.since_ = loop_clock::now();
  if (simulated_ && now_.running < most_.threads) {
    try {
      begin_simulated(job);
    } catch (...) {
      return error::current();
    }
    return std::nullopt;
  }
  queue_.push_back(job);
  ++now_.queued;
  if (simulated_) return std::nullopt;
  if (now_.queued > idle_ && now_.threads < most_.threads && !start_thread() && now_.threads == 0) {
    job.unlink();
    --now_.queued;
    return failure(std::make_error_code(std::errc::resource_unavailable_try_again), call);
  }
  has_jobs_.notify_one();
  return std::nullopt;
}

bool pool_threads::withdraw(offload_job& job) noexcept {
  const std::lock_guard lock(mutex_);
  if (job.phase_ != offload_job::phase::queued) return false;
  job.unlink();
  job.phase_ = offload_job::phase::ended;
  if (!simulated_ || !job.home_->operations().withdraw(job)) {
    --now_.queued;
  } else {
    --now_.running;
    begin_simulated_ones();
  }
  return true;
}

bool pool_threads::abandon(offload_job& job) noexcept {
  const std::lock_guard lock(mutex_);
  if (job.phase_ != offload_job::phase::running) return false;
  job.phase_ = offload_job::phase::abandoned;
  ++now_.abandoned;
  job_ended_.notify_all();  // close() does not wait for it any more
  return true;
}

pool_threads::figures pool_threads::measure() noexcept {
  const std::lock_guard lock(mutex_);
  return now_;
}

bool pool_threads::start_thread() noexcept {
  ++now_.threads;
  ++idle_;  // until it takes a job
  ++users_;
  seats_.push_back({});  // there is room
  if (start_quiet_thread(seats_.back().id, PTHREAD_CREATE_JOINABLE, run_thread, this)) return true;
  seats_.pop_back();
  --users_;
  --idle_;
  --now_.threads;
  return false;
}

void* pool_threads::run_thread(void* self) noexcept {
  auto& its = *static_cast<pool_threads*>(self);
  here = &its;
  ::pthread_setname_np(::pthread_self(), its.most_.name.data());
  std::size_t place = 0;
  {
    const std::lock_guard lock(its.mutex_);  // held while the seat was filled
    while (!is_this_thread(its.seats_[place])) ++place;
  }
  its.work(place);
  return nullptr;
}

void pool_threads::work(std::size_t place) noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    has_jobs_.wait(lock, [this] { return closing_ || (now_.queued != 0 && !simulated_); });
    if (closing_) break;
    --idle_;
    offload_job& job = queue_.pop_front();
    --now_.queued;
    ++now_.running;
    running_jobs_.push_back(job);
    begin(job);
    seats_[place].job = &job;
    lock.unlock();
    job.run();
    if (here != this) return;  // the job forked: this is the child
    lock.lock();
    const bool wanted = end(job);
    seats_[place].job = nullptr;
    ++idle_;
    lock.unlock();
    wanted ? job.deliver() : job.on_abandoned();  // the job is gone
    lock.lock();
  }
  --idle_;
  --now_.threads;
  const bool last = --users_ == 0;
  lock.unlock();
  if (last) delete this;
}

// Under the lock, as all that follows.
void pool_threads::begin(offload_job& job) noexcept {
  job.phase_ = offload_job::phase::running;
  job.begun_ = true;
  ++now_.begun;
  if (simulated_) return;  // whose threads have a time of their own
  const loop_clock::duration waited = loop_clock::now() - job.since_;
  now_.total_queue_time += waited;
  now_.longest_queue_time = std::max(now_.longest_queue_time, waited);
}

// False when the job was abandoned.
bool pool_threads::end(offload_job& job) noexcept {
  const bool wanted = job.phase_ == offload_job::phase::running;
  job.phase_ = offload_job::phase::ended;
  job.unlink();
  --now_.running;
  if (!wanted) --now_.abandoned;
  job_ended_.notify_all();
  return wanted;
}

void pool_threads::begin_simulated(offload_job& job) {
  job.home_->operations().offload(job);
  running_jobs_.push_back(job);
  ++now_.running;
}

void pool_threads::begin_simulated_ones() noexcept {
  while (simulated_ && now_.queued != 0 && now_.running < most_.threads) {
    offload_job& next = queue_.pop_front();
    --now_.queued;
    try {
      begin_simulated(next);
    } catch (...) {
      next.phase_ = offload_job::phase::ended;
      cut_off(next, error::current());
    }
  }
}

void pool_threads::carry_out(offload_job& job) noexcept {
  {
    const std::lock_guard lock(mutex_);
    ++users_;
    begin(job);
  }
  job.run();
  std::unique_lock lock(mutex_);
  const bool wanted = end(job);
  begin_simulated_ones();
  const bool last = --users_ == 0;
  lock.unlock();
  wanted ? job.deliver() : job.on_abandoned();
  if (last) delete this;
}

void pool_threads::cut_off(offload_job& job, error why) noexcept {
  job.cut_off_ = std::move(why);
  job.deliver();
}

// The owner's destructor.
void pool_threads::close() noexcept {
  using phase = offload_job::phase;
  std::unique_lock lock(mutex_);
  closing_ = true;
  error why = failure(std::make_error_code(std::errc::operation_canceled), "~offload_pool");
  why.set_requested(true);
  const auto not_begun = [](const offload_job& each) { return each.phase_ == phase::queued; };
  while (offload_job* const one = running_jobs_.find_if(not_begun)) {  // a simulation has it
    (void)one->home_->operations().withdraw(*one);
    one->unlink();
    --now_.running;
    queue_.push_back(*one);
    ++now_.queued;
  }
  for (; !queue_.empty(); --now_.queued) {
    offload_job& one = queue_.pop_front();
    one.phase_ = phase::ended;
    cut_off(one, why);
  }
  running_jobs_.for_each([&](offload_job& each) {
    if (each.phase_ != phase::running || each.fate_ != offload_job::fate::can_be_abandoned) return;
    each.phase_ = phase::abandoned;
    ++now_.abandoned;
    cut_off(each, why);
  });
  has_jobs_.notify_all();
  const auto runs = [](const seat& each) {
    return each.job != nullptr && each.job->phase_ == phase::running && !is_this_thread(each);
  };
  job_ended_.wait(lock, [&] { return std::ranges::none_of(seats_, runs); });
  for (seat& each : seats_) each.is_left = each.job != nullptr || is_this_thread(each);
  lock.unlock();
  for (const seat& each : seats_) each.is_left ? ::pthread_detach(each.id) : ::pthread_join(each.id, nullptr);
  lock.lock();
  const bool last = --users_ == 0;
  lock.unlock();
  if (last) delete this;
}

}  // namespace braid::detail
