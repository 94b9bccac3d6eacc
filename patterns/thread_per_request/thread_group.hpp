#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <braid/base/pinned.hpp>

namespace thread_per_request {

/// Threads of which any number begin and end. The destructor waits for them.
///
/// Threads  begin is called on one thread.
/// Errors   begin throws std::system_error when the system has no thread left. An exception of work() ends
///          its thread alone; the first one is printed, the others are counted.
class thread_group : braid::pinned {
 public:
  template <class F>
  void begin(F work) {
    join_ended();
    const std::lock_guard guard(mutex_);
    const auto place = running_.try_emplace(begun_++).first;
    try {
      place->second = std::thread([this, place, work = std::move(work)]() mutable {
        try {
          work();
        } catch (const std::exception& failure) {
          if (failed_++ == 0) fmt::print(stderr, "a connection's thread: {}\n", failure.what());
        }
        const std::lock_guard ending(mutex_);
        ended_.push_back(std::move(place->second));
        running_.erase(place);
        one_has_ended_.notify_one();
      });
    } catch (...) {
      running_.erase(place);
      throw;
    }
  }
  ~thread_group() {
    {
      std::unique_lock lock(mutex_);
      one_has_ended_.wait(lock, [this] { return running_.empty(); });
    }
    join_ended();
    if (failed_ > 1) fmt::print(stderr, "{} threads of connections have failed\n", failed_.load());
  }

 private:
  void join_ended() {
    std::vector<std::thread> ended;
    {
      const std::lock_guard guard(mutex_);
      ended.swap(ended_);
    }
    for (std::thread& each : ended) each.join();
  }

  std::mutex mutex_;
  std::condition_variable one_has_ended_;
  std::size_t begun_ = 0;                   // this and the next two are guarded by the mutex
  std::map<std::size_t, std::thread> running_;
  std::vector<std::thread> ended_;
  std::atomic<std::size_t> failed_ = 0;
};

}  // namespace thread_per_request
