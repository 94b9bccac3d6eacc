#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

#include "raw_ring.hpp"
#include "style.hpp"

namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

/// Timers as in a hand-written loop: a heap beside the ring, and one wait that ends with the earliest timer.
/// (An IORING_OP_TIMEOUT for each would cost a system call and an interrupt; this costs neither.)
class timers {
 public:
  timers() { heap_.reserve(64); }

  void arm(nanoseconds delay, std::uint64_t& fired) {
    heap_.push_back({steady_clock::now() + delay, &fired});
    std::ranges::push_heap(heap_, std::greater<>{}, &timer::due);
  }

  void turn() {
    const auto now = steady_clock::now();
    if (heap_.front().due > now) return wait(heap_.front().due - now);
    while (!heap_.empty() && heap_.front().due <= now) {
      ++*heap_.front().fired;
      std::ranges::pop_heap(heap_, std::greater<>{}, &timer::due);
      heap_.pop_back();
    }
  }

 private:
  struct timer {
    steady_clock::time_point due;
    std::uint64_t* fired;
  };

  void wait(nanoseconds left) {
    __kernel_timespec limit{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    io_uring_cqe* none = nullptr;
    io_uring_submit_and_wait_timeout(ring_.get(), &none, 1, &limit, nullptr);
  }

  bench::raw_ring ring_;
  std::vector<timer> heap_;  // the earliest in front
};

std::uint64_t run_timers(timers& all, std::uint64_t n) {
  std::uint64_t fired = 0;
  for (std::uint64_t armed = 1; armed <= n; ++armed) {
    all.arm(nanoseconds{1}, fired);
    while (fired < armed) all.turn();
  }
  return fired;
}

const bench::add<bench::with<timers, run_timers>> here{"timer", "raw"};

}  // namespace
