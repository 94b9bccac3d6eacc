#include "uring.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "nonblocking.hpp"
#include "uring_setup.hpp"

#include "braid/loop/detail/buffer_pool.hpp"
#include "braid/loop/detail/perform.hpp"

namespace braid::detail {

namespace {

constexpr std::uint32_t on_a_worker = IOSQE_ASYNC << 8;

constexpr std::size_t index_of(opcode code) { return static_cast<std::size_t>(code); }

static_assert(sizeof(submission_lane::entry) == sizeof(io_uring_sqe) &&
              std::endian::native == std::endian::little);
static_assert(offsetof(submission_lane::entry, offset) == offsetof(io_uring_sqe, off) &&
              offsetof(submission_lane::entry, address) == offsetof(io_uring_sqe, addr) &&
              offsetof(submission_lane::entry, length) == offsetof(io_uring_sqe, len) &&
              offsetof(submission_lane::entry, flags) == offsetof(io_uring_sqe, rw_flags) &&
              offsetof(submission_lane::entry, user_data) == offsetof(io_uring_sqe, user_data));
static_assert(IORING_RECVSEND_POLL_FIRST == 1, "request::waits_first is that bit of ioprio");
static_assert(sizeof(buffer_pool::entry) == sizeof(io_uring_buf) &&
              offsetof(buffer_pool::entry, length) == offsetof(io_uring_buf, len) &&
              offsetof(buffer_pool::entry, id) == offsetof(io_uring_buf, bid) &&
              offsetof(buffer_pool::entry, tail) == offsetof(io_uring_buf_ring, tail));
static_assert(completion::has_buffer == IORING_CQE_F_BUFFER && IORING_CQE_BUFFER_SHIFT == 16);
static_assert(completion::more == IORING_CQE_F_MORE &&
              completion::more_to_receive == IORING_CQE_F_SOCK_NONEMPTY);

}  // namespace

uring_reactor::uring_reactor(const loop_options& options) {
  const ring_features features = set_up_ring(ring_, options.entries);
  enter_flags_ = features.registered ? IORING_ENTER_REGISTERED_RING : 0;
  says_taskrun_ = features.taskrun_flag;
  for (std::size_t i = 0; i < supported_.size(); ++i) {
    const auto code = static_cast<opcode>(i);
    supported_[i] = features.supports(kernel::number_of(code));
    const bool tagged =
        code == opcode::cancel_descriptor || code == opcode::accept_many || code == opcode::receive_many;
    lane_.opcode_bits[i] =
        supported_[i] && !tagged ? kernel::opcode_bits_of(code) : submission_lane::not_taken;
    BRAID_ASSERT(!lane_.always_takes(code) || lane_.opcode_bits[i] != submission_lane::not_taken);
  }
  cq_mask_ = *ring_.cq.kring_mask;
  sq_entries_ = *ring_.sq.kring_entries;
  lane_.entries = reinterpret_cast<submission_lane::entry*>(ring_.sq.sqes);
  lane_.mask = *ring_.sq.kring_mask;
  lane_.tail = *ring_.sq.ktail;
  begun_ = &listed_;
  set_lane();
}

uring_reactor::~uring_reactor() {
  BRAID_ASSERT(in_flight() == 0);
  if (!broken_) end_ring(ring_);
}

int uring_reactor::offer_buffers(buffer_pool& pool) noexcept {
  if (broken_) return failure_;
  io_uring_buf_reg ring{};
  ring.ring_addr = reinterpret_cast<std::uint64_t>(pool.ring());
  ring.ring_entries = pool.ring_entries();
  ++system_calls_;
  const int failed = io_uring_register_buf_ring(&ring_, &ring, 0);
  if (failed == 0) pool.belongs_to_kernel();
  return -failed;
}

std::int64_t uring_reactor::position_of(int descriptor) noexcept {
  ++system_calls_;
  return ::lseek(descriptor, 0, SEEK_CUR);
}

void uring_reactor::set_position(int descriptor, std::int64_t offset, int whence) noexcept {
  ++system_calls_;
  ::lseek(descriptor, offset, whence);
}

// Each submitted entry has exactly one last completion, so the entries minus the consumed ones are in flight.
std::size_t uring_reactor::in_flight() const noexcept {
  return lane_.tail + parts_ - *ring_.cq.khead - (wake_armed_ ? 1 : 0) + outside_;
}

bool uring_reactor::make_room() noexcept {
  if (!has_room()) flush();
  return has_room();
}

bool uring_reactor::write_entry(std::uint32_t bits, const request& what, std::uint64_t user_data) noexcept {
  if (!make_room()) return false;
  lane_.append(bits, lane_.entry_of(what, user_data));
  set_lane();
  return true;
}

std::uint64_t uring_reactor::tag(const io_operation& operation) noexcept {
  const auto address = reinterpret_cast<std::uint64_t>(&operation);
  switch (operation.what().code) {
    case opcode::nop: return address;
    case opcode::accept_many:
    case opcode::receive_many: return address | listed_bit | many_bit;
    default: return address | listed_bit;
  }
}

bool uring_reactor::submit_request(io_operation& operation) noexcept {
  request what = operation.what();
  what.waits_first = false;
  // The kernel carries out a request inline once a poll says that the descriptor is ready. A write to a
  // terminal may block even then.
  const std::uint32_t for_a_worker = may_block(operation) ? on_a_worker : 0;
  std::uint32_t bits = kernel::opcode_bits_of(what.code) | for_a_worker;
  if (what.code == opcode::receive_many && !receives_often_) bits &= ~kernel::receives_often;
  if (!write_entry(bits, what, tag(operation))) return false;
  if (may_block(operation)) began_on_worker();
  if (what.code != opcode::nop) listed_.add(operation, what.descriptor);
  return true;
}

void uring_reactor::began_on_worker() noexcept {
  ++on_workers_;
  watchful_ = true;
  prod_after_ = std::chrono::milliseconds(100);
  next_prod_ = now() + prod_after_;
}

// When a signal keeps the kernel from starting a worker thread, it tries again only at the next request that
// needs one. Until then requests wait for the existing workers, which may wait for a FIFO indefinitely. So
// the loop makes an additional request now and then, one for each of the two kinds of workers. Returns when
// the next is due.
loop_clock::time_point uring_reactor::prod_workers() noexcept {
  if (const auto at = now(); at >= next_prod_) {
    (void)write_entry(IORING_OP_NOP | on_a_worker, {}, no_operation);
    (void)write_entry(IORING_OP_WRITE | on_a_worker, {.descriptor = wake_descriptor_}, no_operation);
    prod_after_ = std::min<loop_clock::duration>(2 * prod_after_, std::chrono::seconds(10));
    next_prod_ = at + prod_after_;
  }
  return next_prod_;
}

bool uring_reactor::submit_cancel(const io_operation& operation) noexcept {
  const std::uint64_t target = polls(operation) ? tag(operation) | poll_bit : tag(operation);
  return write_entry(IORING_OP_ASYNC_CANCEL, {.address = reinterpret_cast<void*>(target)}, no_operation);
}

void uring_reactor::submit(io_operation& operation) noexcept {
  mark_begun(operation);
  const opcode code = operation.what().code;
  if (code == opcode::cancel_descriptor) return close_later(operation);
  if (broken_) return end_broken(operation);
  if (!supported_[index_of(code)]) return submit_unsupported(operation);
  if (behind_ || !submit_request(operation)) fall_behind(operation);
}

// This kernel's io_uring lacks the operation, or has it only on a thread of its own.
void uring_reactor::submit_unsupported(io_operation& operation) noexcept {
  if (!operation.what().splices_when_ready()) return send_out(operation);
  if (behind_ || !submit_poll(operation)) fall_behind(operation);
}

// Called when the descriptor is ready.
void uring_reactor::splice_now(io_operation& operation) noexcept {
  const std::int32_t ended = nonblocking::attempt(operation.what(), system_calls_);
  if (ended != -EAGAIN) return finish_request(operation, {ended, 0});
  if (!submit_poll(operation)) fall_behind(operation);
}

void uring_reactor::fall_behind(io_operation& operation) noexcept {
  backlog_.push_back(operation);
  ++outside_;
  behind_ = watchful_ = true;
  set_lane();
}

// A cancel is written after its request, so the kernel sees the request first. It cannot hit a later
// operation at the same address, which is written after the cancel.
void uring_reactor::cancel(io_operation& operation) noexcept {
  cancel_of(operation) = cancel_request::made;
  if (broken_ || take_back(operation)) return;
  if (!behind_ && submit_cancel(operation)) return end_wait_of(operation.what().code);
  cancel_of(operation) = cancel_request::due;
  behind_ = watchful_ = true;
  set_lane();
}

// The kernel wakes one accept for a connection. As long as a cancelled one has not left the listener's queue,
// it would be that one, and an accept behind it would wait on. So the kernel ends it before there can be
// another.
void uring_reactor::end_wait_of(opcode code) noexcept {
  if (code == opcode::accept || code == opcode::accept_many) enter(0, IORING_ENTER_GETEVENTS, nullptr);
}

void uring_reactor::cancel_all() noexcept {
  ending_ = true;
  cancel_all_due_ = true;
  behind_ = watchful_ = true;
  errands_.for_each([](errand& each) { (void)each.end_early(); });
  set_lane();
}

// The work that a watchful turn begins with. True when it has finished an operation.
bool uring_reactor::catch_up() noexcept {
  if (failure_ != 0 && !broken_) break_down();
  if (!broken_ && ending_) give_up_all();
  if (!broken_ && behind_ && !ending_) submit_backlog();
  bool finished = finish_ended();
  if (backlog_.empty()) finished |= finish_closing();
  watch();
  return finished;
}

// Submits what waited for room: the requests in their order, then the cancels.
void uring_reactor::submit_backlog() noexcept {
  while (!backlog_.empty()) {
    auto& operation = static_cast<io_operation&>(*backlog_.front());
    backlog_.pop_front();  // before submit_request links it into a list
    const bool polls_first = operation.what().splices_when_ready();
    if (polls_first ? !submit_poll(operation) : !submit_request(operation))
      return backlog_.push_front(operation);
    --outside_;
  }
  behind_ = false;
  listed_.for_each([this](io_operation& each) {
    if (cancel_of(each) != cancel_request::due) return;
    if (!behind_ && submit_cancel(each))
      cancel_of(each) = cancel_request::made;
    else
      behind_ = true;
  });
  set_lane();
}

void uring_reactor::give_up_all() noexcept {
  if (cancel_all_due_)
    cancel_all_due_ = !write_entry(
        IORING_OP_ASYNC_CANCEL, {.flags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY}, no_operation);
  behind_ = cancel_all_due_;
  while (!backlog_.empty()) {
    --outside_;
    end_later(static_cast<io_operation&>(backlog_.pop_front()), ECANCELED);
  }
}

int uring_reactor::enter(unsigned wait_for, unsigned flags, const __kernel_timespec* limit) noexcept {
  io_uring_smp_store_release(ring_.sq.ktail, lane_.tail);
  ++system_calls_;
  flags |= enter_flags_;
  io_uring_getevents_arg argument{};
  sigset_t* extra = nullptr;
  std::size_t extra_size = _NSIG / 8;
  if (limit != nullptr) {
    argument.sigmask_sz = _NSIG / 8;
    argument.ts = reinterpret_cast<std::uint64_t>(limit);
    extra = reinterpret_cast<sigset_t*>(&argument);
    extra_size = sizeof argument;
    flags |= IORING_ENTER_EXT_ARG;
  }
  const int ended = io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), unsubmitted(), wait_for,
                                    flags, extra, extra_size);
  if (ended < 0) [[unlikely]]
    note_failure(-ended);
  set_lane();
  return ended;
}

// An errno that does not pass by itself closes the ring, after the present completions have been delivered.
// To try again would make the loop turn endlessly.
void uring_reactor::note_failure(int code) noexcept {
  if (code == EINTR || code == EAGAIN || code == EBUSY || code == ETIME) return;
  failure_ = code;
  behind_ = watchful_ = true;
}

void uring_reactor::turn(patience how_long, inbox& messages) noexcept {
  if (watchful_) [[unlikely]] {
    if (catch_up()) how_long.may_wait = false;
    if (broken_) return wait_without_ring(how_long, messages);
    if (on_workers_ != 0 && !ending_) how_long.until = std::min(how_long.until, prod_workers());
  }
  // While the kernel has no memory for a due submission, the loop asks it again instead of waiting: nothing
  // else might ever complete.
  if (how_long.may_wait && !has_completions() && !behind_) {
    wait(how_long, messages);
  } else if (unsubmitted() != 0 || kernel_has_news() || (!says_taskrun_ && in_flight() != 0)) {
    enter(0, kernel_has_news() || !says_taskrun_ ? IORING_ENTER_GETEVENTS : 0, nullptr);
  }
  reap();
}

void uring_reactor::wait(patience how_long, inbox& messages) noexcept {
  if (unsubmitted() != 0) {
    if (guess_skips_ == 0) {
      enter(0, 0, nullptr);
      if (has_completions() && !kernel_has_news()) {
        guess_backoff_ = 0;
        return;
      }
      guess_backoff_ = std::min(guess_backoff_ * 2 + 1, 127U);
      guess_skips_ = guess_backoff_;
    } else {
      --guess_skips_;
    }
  }
  arm_wake();
  if (!messages.fall_asleep()) return;
  if (how_long.until == loop_clock::time_point::max()) {
    enter(1, IORING_ENTER_GETEVENTS, nullptr);
    return;
  }
  const auto limit = kernel_time<__kernel_timespec>(left_until(how_long.until));
  enter(1, IORING_ENTER_GETEVENTS, &limit);
}

void uring_reactor::arm_wake() noexcept {
  if (wake_armed_) return;
  wake_armed_ = write_entry(
      IORING_OP_READ, {.descriptor = wake_descriptor_, .address = &wake_count_, .length = sizeof wake_count_},
      of_wake);
}

void uring_reactor::reap() noexcept {
  const io_uring_cqe* const cqes = ring_.cq.cqes;
  const unsigned mask = cq_mask_;
  unsigned* const khead = ring_.cq.khead;
  const unsigned end = io_uring_smp_load_acquire(ring_.cq.ktail);
  for (unsigned head = *khead; head != end;) {
    const io_uring_cqe& cqe = cqes[head & mask];
    const std::uint64_t user_data = cqe.user_data;
    // Field by field, since the kernel has just written one after the other (see copy_of).
    const completion ended{IO_URING_READ_ONCE(cqe.res), IO_URING_READ_ONCE(cqe.flags)};
    io_uring_smp_store_release(khead, ++head);
    complete(user_data, ended);
  }
}

[[gnu::always_inline]] inline void uring_reactor::complete(std::uint64_t user_data,
                                                           completion ended) noexcept {
  if ((user_data & special) != 0 || ended.result < 0 || watchful_) [[unlikely]]
    return complete_listed(user_data, ended);
  finish(*reinterpret_cast<io_operation*>(user_data), ended);
}

void uring_reactor::complete_listed(std::uint64_t user_data, completion ended) noexcept {
  if ((user_data & special) != listed_bit || ended.result < 0 || watchful_) [[unlikely]]
    return complete_specially(user_data, ended);
  auto& operation = *reinterpret_cast<io_operation*>(user_data - listed_bit);
  listed_.remove(operation);
  cancel_of(operation) = {};
  finish(operation, ended);
}

void uring_reactor::finish_request(io_operation& operation, completion ended) noexcept {
  cancel_of(operation) = {};
  finish(operation, ended);
}

}  // namespace braid::detail
