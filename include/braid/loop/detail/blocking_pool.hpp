#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/loop/reactor.hpp"

namespace braid {
class blocking_wait;
}  // namespace braid

namespace braid::detail {

/// Work for a thread of the blocking pool: pinned, intrusive.
class blocking_job : pinned {
 public:
  using work_fn = void(blocking_job&) noexcept;  // its last step is to deliver the job back to its loop

  /// On the thread that took the job.
  void carry_out() noexcept { work_(*this); }

 protected:
  explicit blocking_job(work_fn& work) noexcept : work_(&work) {}
  ~blocking_job() = default;

  /// The job waits only for the outside world, such as a disk or a name server, and calls end() at its end.
  /// While it takes long, its thread does not count as working.
  void may_take_long() noexcept { may_take_long_ = true; }

 private:
  friend class blocking_pool;
  blocking_job* next_ = nullptr;
  work_fn* work_;
  bool may_take_long_ = false;
};

/// The process's threads for work that would block a loop: name look-up, system calls that a reactor lacks,
/// offload.
///
/// At most BRAID_BLOCKING_THREADS threads work at a time (default 4, at most 1024). A thread that waits for
/// braid (see blocking_wait) does not count. Nor does one whose system call or look-up was abandoned, or
/// takes long while all others are busy. Up to 256 more threads take their places. While 64 threads wait for
/// braid, only jobs from the pool's own threads begin; other jobs begin when no job has begun for 100 ms.
///
/// Lifetime  from its first use to the process's end: static destructors may use it too. When the process
///           exits, idle threads end. Jobs that run or are queued end with the process, which does not wait
///           for them.
/// Threads   any. Jobs begin in the order in which they were submitted. Those of the pool's own threads go
///           first, since a working thread waits for them. Threads are started on demand, and as many as may
///           work are kept. They block all signals except those of a fault, so that the program's own threads
///           get them. A forked child has a pool of its own; a pool thread that forks gets back, in the
///           child, the signal mask of the thread that made the pool.
/// Errors    the first use throws std::invalid_argument when BRAID_BLOCKING_THREADS is no number from 1 to
///           1024.
class blocking_pool : pinned {
 public:
  /// The one pool, made at its first use.
  [[nodiscard]] static blocking_pool& instance();
  /// In a forked child: gives the process a pool of its own. The C library's fork(2) calls it; children made
  /// by a system call must call it themselves.
  static void after_fork() noexcept;

  /// Queues the job for a thread. Throws std::system_error (resource_unavailable_try_again) when no thread
  /// would take it: all threads wait, and none can be started.
  void submit(blocking_job& job);
  /// Takes back a submitted job that no thread has begun; false when one has. Cost: O(n) of the queued jobs.
  [[nodiscard]] bool withdraw(blocking_job& job) noexcept;

  // For a job that may_take_long. Except between hold and let_go it touches only what it owns.

  /// Leaves the job to its thread, which does not count any more; end() returns false there. False when no
  /// thread carries it out, or when it is held: then the job ends soon and is delivered as usual.
  [[nodiscard]] static bool abandon(blocking_job& job) noexcept;
  /// On the job's thread: keeps it from being abandoned from now on. False when it was abandoned.
  [[nodiscard]] static bool hold() noexcept;
  /// The reverse of hold. False when an abandon was tried meanwhile: then the job stays held, and should end
  /// now.
  [[nodiscard]] static bool let_go() noexcept;
  /// On the job's thread: false when an abandon was tried.
  [[nodiscard]] static bool is_wanted() noexcept;
  /// On the job's thread, before it delivers itself. False when it was abandoned: then it deletes itself.
  [[nodiscard]] static bool end() noexcept;

 private:
  friend class braid::blocking_wait;
  struct worker;
  struct process;
  using queue = intrusive_queue<blocking_job, &blocking_job::next_>;

  explicit blocking_pool(std::size_t most_threads) noexcept : most_working_(most_threads) {}
  static void* run_thread(void* pool) noexcept;
  void work(worker& self) noexcept;
  void await_job(std::unique_lock<std::mutex>& lock) noexcept;
  void go_on_from_standstill() noexcept;
  [[nodiscard]] blocking_job& next_job() noexcept;
  [[nodiscard]] bool start_thread() noexcept;
  [[nodiscard]] bool find_threads_for(std::size_t jobs) noexcept;
  [[nodiscard]] bool leave(const blocking_job& job) noexcept;
  void begin_wait(worker& self, const char* call);
  void end_wait(worker& self) noexcept;
  void stop_waiting(worker& self) noexcept;
  void set_aside(worker& one) noexcept;
  void count_again(worker& one) noexcept;
  void end_idle_threads() noexcept;
  // The threads that work, or are idle.
  [[nodiscard]] std::size_t at_hand() const noexcept { return threads_ - aside_; }
  [[nodiscard]] bool may_begin() const noexcept {
    return queued_ != 0 && at_hand() - idle_ < most_working_ &&
           (!inner_jobs_.empty() || waiting_ < most_eager || overdue_);
  }

  static constexpr std::size_t most_eager = 64;  // while so many threads wait, only inner jobs begin

  const std::size_t most_working_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable has_jobs_;
  std::condition_variable idle_thread_left_;
  queue jobs_;
  queue inner_jobs_;  // submitted by the pool's own threads
  std::size_t queued_ = 0;  // in both queues
  std::uint64_t begun_ = 0;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  std::size_t aside_ = 0;  // threads that do not count: they wait, or their job was abandoned or takes long
  std::size_t waiting_ = 0;  // the threads that wait for braid
  bool overdue_ = false;  // no job has begun for long, so one may begin now
  bool ending_ = false;  // idle threads end
  intrusive_list<worker> workers_;
  const blocking_pool* parents_ = nullptr;  // the pool of the process that forked this one; never destroyed
};

}  // namespace braid::detail
