#pragma once

#include <liburing.h>

#include <array>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/loop/detail/operations_of.hpp"
#include "braid/loop/options.hpp"
#include "errand.hpp"
#include "kernel_interface.hpp"
#include "kernel_reactor.hpp"

namespace braid::detail {

/// The completion reactor: one io_uring, to which each turn submits once.
///
/// Threads  the loop's (single issuer); any thread may call wake.
/// Cost     one io_uring_enter a turn; two after a wrong guess that what was submitted completes inline.
/// Source   io_uring(7); Axboe: Efficient IO with io_uring.
class uring_reactor final : public kernel_reactor, private errand_sender {
 public:
  explicit uring_reactor(const loop_options& options);
  ~uring_reactor() override;

  const char* name() const noexcept override { return "io_uring"; }
  void submit(io_operation& operation) noexcept override;
  void cancel(io_operation& operation) noexcept override;
  void cancel_all() noexcept override;
  void turn(patience how_long, inbox& messages) noexcept override;
  int offer_buffers(buffer_pool& pool) noexcept override;
  std::size_t in_flight() const noexcept override;
  std::int64_t position_of(int descriptor) noexcept override;
  void set_position(int descriptor, std::int64_t offset, int whence) noexcept override;
  // Beside other requests an entry of its own is cheaper.
  std::int32_t read_cached(const request& what) noexcept override {
    return unsubmitted() != 0 ? -1 : kernel_reactor::read_cached(what);
  }
  void leave_to_parent() noexcept override;

 private:
  // A completion's user_data is its operation's address. The lowest bits mark special cases.
  static constexpr std::uint64_t poll_bit = 1;   // only the poll before the next try has completed
  static constexpr std::uint64_t many_bit = 2;   // more completions may follow; listed_bit is 4
  static constexpr std::uint64_t of_wake = 1;    // no operation: the eventfd
  static constexpr std::uint64_t no_operation = 2;  // a cancel, or a prod
  static constexpr std::uint64_t special = 7;

  // False when the queue is full and the kernel takes no entries.
  [[nodiscard]] bool write_entry(std::uint32_t bits, const request& what, std::uint64_t user_data) noexcept;
  [[nodiscard]] bool make_room() noexcept;
  [[nodiscard]] static std::uint64_t tag(const io_operation& operation) noexcept;
  [[nodiscard]] bool submit_request(io_operation& operation) noexcept;
  [[nodiscard]] bool submit_cancel(const io_operation& operation) noexcept;
  void end_wait_of(opcode code) noexcept;
  [[nodiscard]] bool submit_poll(io_operation& operation) noexcept;
  void submit_unsupported(io_operation& operation) noexcept;
  void splice_now(io_operation& operation) noexcept;
  void fall_behind(io_operation& operation) noexcept;
  [[nodiscard]] bool catch_up() noexcept;
  void submit_backlog() noexcept;
  void give_up_all() noexcept;
  void watch() noexcept {
    watchful_ =
        behind_ || ending_ || failure_ != 0 || !closing_.empty() || !ended_.empty() || on_workers_ != 0;
  }

  // Requests that may block a thread of the kernel indefinitely.
  void began_on_worker() noexcept;
  [[nodiscard]] loop_clock::time_point prod_workers() noexcept;

  // Requests that end without a completion from the kernel, and closing.
  void end_later(io_operation& operation, int code) noexcept;
  void close_later(io_operation& operation) noexcept;
  void send_out(io_operation& operation) noexcept;
  void on_errand_finished(errand& one) noexcept override;
  [[nodiscard]] bool take_back(const io_operation& operation) noexcept;
  [[nodiscard]] bool finish_ended() noexcept;
  [[nodiscard]] bool finish_closing() noexcept;

  // Used once io_uring_enter has failed for good.
  [[gnu::cold]] void note_failure(int code) noexcept;
  void break_down() noexcept;
  void end_broken(io_operation& operation) noexcept;
  void wait_without_ring(patience how_long, inbox& messages) noexcept;
  void finish_request(io_operation& operation, completion ended) noexcept;
  // The lane is open unless there is a backlog, the loop is ending, or the loop tracks its tasks.
  void set_lane() noexcept {
    lane_.limit = behind_ || ending_ || lane_closed_
                      ? lane_.tail
                      : io_uring_smp_load_acquire(ring_.sq.khead) + sq_entries_;
  }

  int enter(unsigned wait_for, unsigned flags, const __kernel_timespec* limit) noexcept;
  void flush() noexcept { enter(0, 0, nullptr); }
  void wait(patience how_long, inbox& messages) noexcept;
  void arm_wake() noexcept;
  void reap() noexcept;
  void complete(std::uint64_t user_data, completion ended) noexcept;
  [[gnu::noinline]] void complete_listed(std::uint64_t user_data, completion ended) noexcept;
  [[gnu::cold, gnu::noinline]] void complete_specially(std::uint64_t user_data, completion ended) noexcept;

  [[nodiscard]] unsigned unsubmitted() const noexcept {
    return lane_.tail - io_uring_smp_load_acquire(ring_.sq.khead);
  }
  [[nodiscard]] bool has_room() const noexcept { return unsubmitted() != sq_entries_; }
  [[nodiscard]] bool has_completions() const noexcept {
    return *ring_.cq.khead != io_uring_smp_load_acquire(ring_.cq.ktail);
  }
  [[nodiscard]] bool kernel_has_news() const noexcept {
    return (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) != 0;
  }

  // constant after construction
  io_uring ring_{};
  unsigned enter_flags_ = 0;
  unsigned sq_entries_ = 0, cq_mask_ = 0;
  bool says_taskrun_ = false;  // the kernel sets a flag for deferred work, so it need not be asked
  std::array<bool, static_cast<std::size_t>(opcode::count_)> supported_{};
  bool receives_often_ = true;  // receive_many may complete more than once
  // this thread
  operation_base::queue backlog_;  // submitted while the queue was full and the kernel took no entries
  operation_base::queue closing_;  // each cancel_descriptor, until nothing is in flight on its descriptor
  operation_base::queue ended_;    // finish in the next turn with their errno_
  intrusive_list<errand> errands_;  // with a thread, or on their way back
  std::size_t outside_ = 0;  // operations in these queues and on errands
  unsigned parts_ = 0;  // completions that were not the last of their request
  std::uint64_t wake_count_ = 0;  // where the kernel puts the eventfd's value
  bool wake_armed_ = false;
  bool behind_ = false;  // there is a backlog, or a cancel is due
  bool watchful_ = false;  // the next turn must begin with catch_up or prod_workers
  std::size_t on_workers_ = 0;  // requests that may block one of the kernel's threads
  loop_clock::duration prod_after_{};
  loop_clock::time_point next_prod_{};
  int failure_ = 0;  // the errno that io_uring_enter failed with, for good
  bool broken_ = false;  // the ring was closed because of that
  bool cancel_all_due_ = false;
  bool ending_ = false;  // everything was cancelled, and nothing is tried again
  // Guesses whether operations complete within the call that submits them. If they do, asking for events in
  // that call is wasted; if they do not, not asking costs one more call. After each wrong guess of yes it
  // guesses no for a while, twice as long each time.
  unsigned guess_skips_ = 0, guess_backoff_ = 0;
  operations_of listed_;  // all operations in flight, except nops and those in a queue
};

}  // namespace braid::detail
