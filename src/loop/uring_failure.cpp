// A ring that the kernel refuses further calls for, and one that a forked child has inherited.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "uring.hpp"
#include "uring_setup.hpp"

#include "braid/loop/detail/perform.hpp"

namespace braid::detail {

namespace {

// The pointers of a closed ring point here, so that its queues look empty.
unsigned no_ring = 0;

}  // namespace

// The kernel may refuse io_uring_enter later, for example when a sandbox is entered late. Every request in
// flight, and every one begun later, ends with that errno, except a close, which is carried out. Timers,
// errands and deliveries from other threads go on.
//
// Closing the ring makes the kernel drop the requests that wait for descriptors. A read of a file that one of
// the kernel's threads carries out may still fill its buffer.
void uring_reactor::break_down() noexcept {
  broken_ = true;
  const unsigned submitted = io_uring_smp_load_acquire(ring_.sq.khead);
  for (unsigned n = submitted; n != lane_.tail; ++n) {
    const std::uint64_t user_data = lane_.entries[n & lane_.mask].user_data;
    if ((user_data & ~special) == 0) continue;
    auto& operation = *reinterpret_cast<io_operation*>(user_data & ~special);
    if ((user_data & listed_bit) != 0) listed_.remove(operation);
    end_broken(operation);
  }
  errands_.for_each([](errand& each) { operations_of::remove(each.operation()); });
  listed_.for_each([this](io_operation& each) {
    operations_of::remove(each);
    end_later(each, gives_up(each) || ending_ ? ECANCELED : failure_);
  });
  errands_.for_each(
      [this](errand& each) { listed_.add(each.operation(), each.operation().what().descriptor); });
  while (!backlog_.empty()) {
    --outside_;
    end_broken(static_cast<io_operation&>(backlog_.pop_front()));
  }
  cancel_all_due_ = false;
  end_ring(ring_);
  ring_.sq.khead = ring_.sq.kflags = ring_.cq.khead = ring_.cq.ktail = &no_ring;
  lane_.tail = parts_ = 0;
  wake_armed_ = false;
  set_lane();
}

// Ends a request that the kernel has not taken.
void uring_reactor::end_broken(io_operation& operation) noexcept {
  const request& what = operation.what();
  polls(operation) = false;
  if (what.code == opcode::close) return end_later(operation, -std::min(perform(what), 0));
  end_later(operation, gives_up(operation) || ending_ ? ECANCELED : failure_);
}

void uring_reactor::wait_without_ring(patience how_long, inbox& messages) noexcept {
  if (!how_long.may_wait || !messages.fall_asleep()) return;
  await_wake(how_long.until);
}

// The child has no copy of the ring's memory (see make_ring), so it maps memory of its own there. All
// completions in it are marked no_operation: if the child was forked within reap(), the child goes on there.
void uring_reactor::leave_to_parent() noexcept {
  if (!broken_) {
    const auto put_memory = [](void* where, std::size_t size) {
      return ::mmap(where, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                    -1, 0) == where;
    };
    const bool mapped =
        put_memory(ring_.sq.ring_ptr, ring_.sq.ring_sz) &&
        (ring_.cq.ring_ptr == ring_.sq.ring_ptr || put_memory(ring_.cq.ring_ptr, ring_.cq.ring_sz));
    (void)put_memory(ring_.sq.sqes, std::size_t{sq_entries_} * sizeof(io_uring_sqe));
    if (mapped)
      for (unsigned n = 0; n <= cq_mask_; ++n) ring_.cq.cqes[n].user_data = no_operation;
    ::close(ring_.ring_fd);
  }
  close_wake_descriptor();
  broken_ = behind_ = watchful_ = true;
  failure_ = ECANCELED;
  for (operation_base::queue* each : {&backlog_, &closing_, &ended_})
    (void)operation_base::queue(std::move(*each));
  while (!errands_.empty()) (void)errands_.pop_front();
}

}  // namespace braid::detail
