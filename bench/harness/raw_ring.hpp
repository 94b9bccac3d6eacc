#pragma once

#include <liburing.h>

#include <cerrno>
#include <system_error>

namespace bench {

/// The ring of every raw baseline, as a careful engineer sets it up with liburing by hand.
///
/// Single issuer with deferred task running if the kernel has it; the ring descriptor is registered.
/// Threads  used by the thread that built it, and no other.
class raw_ring {
 public:
  raw_ring() : raw_ring(64) {}
  explicit raw_ring(unsigned entries);
  ~raw_ring() { io_uring_queue_exit(&ring_); }
  raw_ring(const raw_ring&) = delete;
  raw_ring& operator=(const raw_ring&) = delete;

  /// A free entry; a baseline makes its ring large enough to always have one.
  [[nodiscard]] io_uring_sqe* next_sqe() noexcept { return io_uring_get_sqe(&ring_); }

  [[nodiscard]] io_uring* get() noexcept { return &ring_; }
  [[nodiscard]] unsigned flags() const noexcept { return ring_.flags; }

  /// One turn: submits the prepared entries, waits for `wanted` completions, and hands out all there are.
  template <class OnCompletion>
  void turn(unsigned wanted, OnCompletion&& on_completion) {
    const int submitted = io_uring_submit_and_wait(&ring_, wanted);
    if (submitted < 0 && submitted != -EINTR) {
      throw std::system_error(-submitted, std::system_category(), "io_uring_submit_and_wait");
    }
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      ++seen;
      on_completion(*cqe);
    }
    io_uring_cq_advance(&ring_, seen);
  }

 private:
  io_uring ring_{};
};

}  // namespace bench
