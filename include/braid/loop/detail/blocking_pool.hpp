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

/// Work for a thread that may block: pinned, intrusive.
class blocking_job : pinned {
 public:
  using work_fn = void(blocking_job&) noexcept;  // the last thing it does is to hand itself back, by deliver

  /// On the thread that took it.
  void carry_out() noexcept { work_(*this); }

 protected:
  explicit blocking_job(work_fn& work) noexcept : work_(&work) {}
  ~blocking_job() = default;

  /// The job waits for the world alone, a disk or a name server, and calls end() at its end. Where it takes
  /// long its thread does not count as one that works.
  void may_take_long() noexcept { may_take_long_ = true; }

 private:
  friend class blocking_pool;
  blocking_job* next_ = nullptr;
  work_fn* work_;
  bool may_take_long_ = false;
};

/// The process's threads for what would block a loop: name look-up, system calls that a reactor lacks,
/// offload.
///
/// At most BRAID_BLOCKING_THREADS of them work at a time (default 4, at most 1024). A thread that waits for
/// braid (see blocking_wait) does not count, nor does one whose system call or look-up was abandoned, or
/// lasts while all others are busy: up to 256 more take their places. While 64 threads wait for braid, other
/// jobs than their own are begun only when nothing has happened for 100 ms.
///
/// Lifetime  from its first use to the process's end: static destructors may use it too. When the process
///           exits, threads without a job end; a job that runs or is queued is not waited for, and ends with
///           the process.
/// Threads   any. Jobs begin in the order they came; those that the pool's own threads submit go first, since
///           one that works waits for them. Threads are started on demand, and as many as may work are kept.
///           They block all signals but those of a fault, so that the program's own threads get them; fork()
///           gives the child's thread the mask back that its pool was made with. A forked child has a pool of
///           its own.
/// Errors    the first use throws std::invalid_argument when BRAID_BLOCKING_THREADS is no number from 1 to
///           1024.
class blocking_pool : pinned {
 public:
  /// The one pool, made at its first use.
  [[nodiscard]] static blocking_pool& instance();
  /// In a forked child: from now on the process has a pool of its own. Called by fork(2) as the C library has
  /// it; for children that were made by a system call.
  static void after_fork() noexcept;

  /// Hands the job to a thread. Throws std::system_error (resource_unavailable_try_again) when no thread
  /// would come to it: none can be started, and those that there are all wait.
  void submit(blocking_job& job);
  /// Takes back a job that was submitted and that no thread has begun; false when one has. Cost: O(n) of
  /// those that wait.
  [[nodiscard]] bool withdraw(blocking_job& job) noexcept;

  // For a job that may_take_long, and that owns what it touches but between hold and let_go.

  /// From now on nobody waits for it, its thread does not count, and end() says false to it. False when no
  /// thread is at it, or it holds what is not its own: then it ends soon, or by itself.
  [[nodiscard]] static bool abandon(blocking_job& job) noexcept;
  /// On its thread: from now on it cannot be abandoned. False when it was.
  [[nodiscard]] static bool hold() noexcept;
  /// The reverse of hold. False when somebody tried to abandon it meanwhile: then it ends now, without being
  /// abandoned.
  [[nodiscard]] static bool let_go() noexcept;
  /// On its thread: false when somebody tried to abandon it.
  [[nodiscard]] static bool is_wanted() noexcept;
  /// On its thread, before it hands itself back. False when it was abandoned: then it deletes itself.
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
  // Those that work, or could at once.
  [[nodiscard]] std::size_t at_hand() const noexcept { return threads_ - aside_; }
  [[nodiscard]] bool may_begin() const noexcept {
    return queued_ != 0 && at_hand() - idle_ < most_working_ &&
           (!inner_jobs_.empty() || waiting_ < most_eager || overdue_);
  }

  static constexpr std::size_t most_eager = 64;  // of waiting_

  const std::size_t most_working_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable has_jobs_;
  std::condition_variable idle_thread_left_;
  queue jobs_;
  queue inner_jobs_;  // of the pool's own threads
  std::size_t queued_ = 0;  // in both
  std::uint64_t begun_ = 0;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  std::size_t aside_ = 0;  // wait, were abandoned, or last: do not count
  std::size_t waiting_ = 0;  // of them, those that wait for braid
  bool overdue_ = false;  // nothing has happened for long: one job may begin
  bool ending_ = false;  // idle threads end
  intrusive_list<worker> workers_;
  const blocking_pool* parents_ = nullptr;  // of the process that forked this one; never destroyed
};

}  // namespace braid::detail
