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

/// A fixed number of threads for what computes and never waits: one for each processor is enough.
///
/// Lifetime  the destructor waits for all that was asked for.
/// Threads   any may ask. What is asked for runs on the crew's, and has to own what it reads and writes.
class crew : braid::pinned {
 public:
  explicit crew(unsigned threads = std::thread::hardware_concurrency());
  ~crew();

  [[nodiscard]] std::size_t size() const noexcept { return threads_.size(); }

  /// f(), once one of the crew is free: its value, or what it threw.
  /// Cancel  whoever waits for the future is let go at once; f goes on, and nobody is told.
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

  std::mutex mutex_;  // guards what follows, but for the threads
  std::condition_variable changed_;
  std::deque<job> jobs_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace blocked_loop
