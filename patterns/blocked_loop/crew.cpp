#include "crew.hpp"

#include <algorithm>

namespace blocked_loop {

crew::crew(unsigned threads) {
  threads = std::max(threads, 1u);  // hardware_concurrency returns 0 if it does not know
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back(&crew::work, this);
}

crew::~crew() {
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& each : threads_) each.join();
}

void crew::hand_over(job next) {
  {
    const std::lock_guard guard(mutex_);
    jobs_.push_back(std::move(next));
  }
  changed_.notify_one();
}

void crew::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    job next = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    next();
    next = {};  // destroys what it owns before the mutex is locked again
    lock.lock();
  }
}

}  // namespace blocked_loop
