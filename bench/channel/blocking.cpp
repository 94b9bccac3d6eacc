#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "style.hpp"

namespace {

class bounded_queue {
 public:
  void send(std::uint64_t number) {
    std::unique_lock lock(guard_);
    room_.wait(lock, [&] { return numbers_.size() < 64; });
    numbers_.push_back(number);
    lock.unlock();
    sent_.notify_one();
  }
  std::uint64_t receive() {
    std::unique_lock lock(guard_);
    sent_.wait(lock, [&] { return !numbers_.empty(); });
    const std::uint64_t number = numbers_.front();
    numbers_.pop_front();
    lock.unlock();
    room_.notify_one();
    return number;
  }

 private:
  std::mutex guard_;
  std::condition_variable room_, sent_;
  std::deque<std::uint64_t> numbers_;
};

/// Two threads, one for each end, on the cores that the kernel chooses.
class two_threads {
 public:
  ~two_threads() { numbers_.send(leave); }

  std::uint64_t run(std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) numbers_.send(i);
    numbers_.send(that_was_all);
    return sums_.receive();
  }

 private:
  static constexpr std::uint64_t that_was_all = ~std::uint64_t{0};
  static constexpr std::uint64_t leave = that_was_all - 1;

  void sum_all() {
    std::uint64_t sum = 0;
    for (;;) {
      const std::uint64_t number = numbers_.receive();
      if (number == leave) return;
      if (number == that_was_all)
        sums_.send(std::exchange(sum, 0));
      else
        sum += number;
    }
  }

  bounded_queue numbers_;
  bounded_queue sums_;
  std::jthread other_{[this] { sum_all(); }};
};

const bench::add<two_threads> here{"channel", "blocking"};

}  // namespace
