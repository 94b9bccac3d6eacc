#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "braid/loop/reactor.hpp"

namespace braid {

/// Work for a thread that may block: pinned, intrusive.
class blocking_job : pinned {
 public:
  using work_fn = void(blocking_job&) noexcept;  // the last thing it does is to hand itself back, by deliver

  /// On the thread that took it.
  void carry_out() noexcept { work_(*this); }

 protected:
  explicit blocking_job(work_fn& work) noexcept : work_(&work) {}
  ~blocking_job() = default;

 private:
  friend class blocking_pool;
  blocking_job* next_ = nullptr;
  work_fn* work_;
};

/// The process's threads for what would block a loop: name look-up, system calls that a reactor lacks,
/// offload.
///
/// Threads  any. Jobs begin in the order they came, on up to BRAID_BLOCKING_THREADS threads (default 4, at
///          most 1024), which are started on demand and then kept. A forked child has a pool of its own.
/// Errors   the first use throws std::invalid_argument when BRAID_BLOCKING_THREADS is no number from 1 to
///          1024.
class blocking_pool : pinned {
 public:
  /// The one pool, made at its first use.
  [[nodiscard]] static blocking_pool& instance();

  /// Hands the job to a thread. Throws std::system_error when there is no thread yet and none can be started.
  void submit(blocking_job& job);
  /// Takes back a job that was submitted and that no thread has begun; false when one has. Cost: O(n) of those
  /// that wait.
  [[nodiscard]] bool withdraw(blocking_job& job) noexcept;

  /// Waits for every job that was submitted.
  ~blocking_pool();

 private:
  struct holder;
  blocking_pool();
  void work() noexcept;

  using queue = intrusive_queue<blocking_job, &blocking_job::next_>;

  const std::size_t most_threads_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable has_jobs_;
  queue jobs_;
  std::size_t waiting_jobs_ = 0;
  std::size_t idle_threads_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

/// Performs an operation's request on the pool; its completion is delivered to the current loop.
void perform_on_pool(io_operation& operation) noexcept;

}  // namespace braid
