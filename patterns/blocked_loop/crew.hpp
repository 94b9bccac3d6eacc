#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <braid/base/pinned.hpp>
#include <braid/base/unique_function.hpp>
#include <braid/style/promise.hpp>

namespace blocked_loop {

/// A fixed number of threads for functions that compute and never wait: one for each processor is enough.
///
/// Lifetime  the destructor waits for all functions that were given to it.
/// Threads   any may call compute. f runs on a thread of the crew, and must own what it reads and writes.
class crew : braid::pinned {
 public:
  explicit crew(unsigned threads = std::thread::hardware_concurrency());
  ~crew();

  [[nodiscard]] std::size_t size() const noexcept { return threads_.size(); }

  /// Runs f() on a free thread of the crew: its value, or what it threw.
  /// Cancel  releases the waiter of the future at once; f goes on, and its result is dropped.
  template <class F>
  [[nodiscard]] braid::future<std::invoke_result_t<F&>> compute(F f) {
    braid::promise<std::invoke_result_t<F&>> promised;
    auto answer = promised.get_future();
    hand_over([f = std::move(f), promised = std::move(promised)]() mutable {
      auto ended = braid::capture(f);
      if (ended)
        promised.set_value(*std::move(ended));
      else
        promised.set_error(std::move(ended).error());
    });
    return answer;
  }

 private:
  using job = braid::unique_function<void()>;
  void hand_over(job next);
  void work();

  std::mutex mutex_;  // guards the members below, except the threads
  std::condition_variable changed_;
  std::deque<job> jobs_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace blocked_loop
