#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/detail/offload_job.hpp"

namespace braid::detail {

/// The threads of an offload_pool, and the queue in front of them. Jobs begin in the order in which they were
/// submitted. Under a simulation the reactor runs the jobs, as many at once as there would be threads.
///
/// Lifetime  made by a pool_owner. Deletes itself once that has closed it and all threads have ended.
/// Threads   any.
class pool_threads : pinned {
 public:
  static constexpr std::size_t longest_name = 15;  // what pthread_setname_np takes
  struct limits {
    std::array<char, longest_name + 1> name{};
    std::size_t threads = 0;
    std::size_t queue = 0;
    bool refuses = true;  // jobs for which the queue has no room
  };
  struct figures {
    std::size_t threads = 0, running = 0, abandoned = 0, queued = 0;
    std::uint64_t begun = 0, refused = 0;
    loop_clock::duration longest_queue_time{}, total_queue_time{};
  };

  [[nodiscard]] std::optional<error> submit(offload_job& job, const char* call) noexcept;
  [[nodiscard]] bool withdraw(offload_job& job) noexcept;
  [[nodiscard]] bool abandon(offload_job& job) noexcept;
  /// Runs a job that the reactor of a simulation has begun.
  void carry_out(offload_job& job) noexcept;
  [[nodiscard]] figures measure() noexcept;

 private:
  friend class pool_owner;
  struct seat {  // of a thread
    pthread_t id;
    const offload_job* job;  // that it runs
    bool is_left;  // nobody waits for the thread's end
  };

  pool_threads(const limits& most, pool_threads* parents);
  ~pool_threads() = default;
  void close() noexcept;

  static void* run_thread(void* self) noexcept;
  [[nodiscard]] bool start_thread() noexcept;
  void work(std::size_t place) noexcept;
  void begin(offload_job& job) noexcept;
  [[nodiscard]] bool end(offload_job& job) noexcept;
  void begin_simulated(offload_job& job);
  void begin_simulated_ones() noexcept;
  void cut_off(offload_job& job, error why) noexcept;
  [[nodiscard]] static bool is_this_thread(const seat& one) noexcept;
  [[nodiscard]] bool is_full() const noexcept;
  [[nodiscard]] error failure(std::error_code code, const char* call) const noexcept;

  // constant
  const limits most_;
  [[maybe_unused]] pool_threads* const parents_;  // those of the process that forked this one; never used
  const unsigned made_in_;  // how many forks there had been
  sigset_t signals_;  // of the thread that made the pool
  // guarded by mutex_
  std::mutex mutex_;
  std::condition_variable has_jobs_;
  std::condition_variable job_ended_;
  intrusive_list<offload_job> queue_;
  intrusive_list<offload_job> running_jobs_;
  std::vector<seat> seats_;
  figures now_;
  std::size_t idle_ = 0;
  std::size_t users_ = 1;  // the owner, each thread, and each carry_out
  bool simulated_ = false;
  bool closing_ = false;
};

/// Owns the threads of an offload_pool. In a forked child it has new ones.
class pool_owner : pinned {
 public:
  explicit pool_owner(const pool_threads::limits& most);
  /// Ends queued jobs as cancelled, abandons those that can be, and waits for the others.
  ~pool_owner();
  [[nodiscard]] pool_threads& threads();
  /// In a forked child. The C library's fork(2) calls it.
  static void after_fork() noexcept;

 private:
  std::atomic<pool_threads*> threads_;
};

}  // namespace braid::detail
