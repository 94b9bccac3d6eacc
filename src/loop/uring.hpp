#pragma once

#include <liburing.h>

#include <array>
#include <vector>

#include "braid/loop/loop.hpp"
#include "braid/loop/reactor.hpp"
#include "errand.hpp"
#include "kernel_interface.hpp"

namespace braid {

/// The completion reactor: one io_uring, submitted to once a turn.
///
/// Threads  single issuer; only wake may come from elsewhere.
/// Cost     a turn is one io_uring_enter where operations complete inline or the queue must be waited for.
/// Source   io_uring(7); Axboe: Efficient IO with io_uring.
class uring_reactor final : public reactor, private errand_sender {
 public:
  explicit uring_reactor(const loop_options& options);
  ~uring_reactor() override;

  const char* name() const noexcept override { return "io_uring"; }
  void submit(io_operation& operation) noexcept override;
  void cancel(io_operation& operation) noexcept override;
  void cancel_all() noexcept override;
  void turn(patience how_long, inbox& messages) noexcept override;
  std::size_t in_flight() const noexcept override;
  void wake() noexcept override;
  loop_clock::time_point now() const noexcept override;
  std::int64_t position_of(int descriptor) noexcept override;
  void set_position(int descriptor, std::int64_t offset, int whence) noexcept override;

 private:
  // A completion's user_data is its operation's address, whose lowest bits say what is special about it.
  static constexpr std::uint64_t poll_bit = 1;   // it was only a poll
  static constexpr std::uint64_t many_bit = 2;   // it may not be the last one
  static constexpr std::uint64_t of_nobody = 2;  // no operation at all: a cancel
  static constexpr std::uint64_t of_wake = 4;    // none either: the eventfd
  static constexpr std::uint64_t special = 7;

  // False when the queue is full and the kernel takes no more.
  [[nodiscard]] bool write(std::uint32_t word, const request& what, std::uint64_t user_data) noexcept;
  [[nodiscard]] bool make_room() noexcept;
  [[nodiscard]] static std::uint64_t tag(const io_operation& operation) noexcept;
  [[nodiscard]] bool place_request(io_operation& operation) noexcept;
  [[nodiscard]] bool place_cancel(const io_operation& operation) noexcept;
  [[nodiscard]] bool place_poll(io_operation& operation) noexcept;
  void send_out(io_operation& operation) noexcept;
  void came_back(errand& one) noexcept override;
  [[nodiscard]] bool end_errands_of(int descriptor) noexcept;
  void fall_behind(io_operation& operation) noexcept;
  void catch_up() noexcept;
  void give_up_all() noexcept;
  // The lane is open unless requests must wait their turn, the loop ends, or wants to see every request.
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
  bool says_taskrun_ = false;  // the kernel flags deferred work, so that it need not be asked
  std::array<bool, static_cast<std::size_t>(opcode::count_)> supported_{};
  int wake_descriptor_ = -1;
  // this thread
  operation_base::queue backlog_;  // submitted while the queue was full and the kernel busy
  std::size_t outside_ = 0;  // requests that are not in the ring: those, and errands
  intrusive_list<errand> errands_;  // what this kernel's io_uring lacks, with threads
  operation_base::queue refused_;  // there was no memory for their errands: end so in the next turn
  std::vector<const io_operation*> late_cancels_;  // the same for cancels
  unsigned parts_ = 0;  // completions that were not their request's last
  std::uint64_t wake_count_ = 0;  // where the kernel puts the eventfd's value
  bool wake_armed_ = false;
  bool behind_ = false;  // there is a backlog, a late cancel, or something refused
  bool cancel_all_due_ = false;
  bool ending_ = false;  // everything was cancelled: nothing is tried again
  // Do operations complete within the call that submits them? Then asking for events is wasted; if not, not
  // asking costs a call more. After a wrong guess of yes the next tries are skipped, twice as many each time.
  unsigned guess_skips_ = 0, guess_backoff_ = 0;
};

}  // namespace braid
