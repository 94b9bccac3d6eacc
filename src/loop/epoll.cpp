#include "epoll.hpp"

#include <linux/time_types.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "braid/loop/detail/blocking_pool.hpp"

namespace braid::detail {

namespace {

constexpr unsigned most_unlooked = 8;  // turns in a row that complete something without an epoll_wait

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441  // on every architecture
#endif

}  // namespace

epoll_reactor::epoll_reactor(const loop_options& options) : entries_(options.entries) {
  if (entries_ == 0 || entries_ > 32768)
    throw std::system_error(EINVAL, std::generic_category(),
                            "loop: epoll: the number of entries is out of range: give one from 1 to 32768");
  (void)blocking_pool::instance();  // reports an invalid BRAID_BLOCKING_THREADS now, not at a later request
  events_.resize(std::min(entries_, 1024U));
  held_.reserve(16);
}

epoll_reactor::~epoll_reactor() { BRAID_ASSERT(in_flight() == 0); }

// The next turn tries the request, so that it never finishes within this call.
void epoll_reactor::submit(io_operation& operation) noexcept {
  mark_begun(operation);
  ++in_flight_;
  submitted_.push_back(operation);
}

// A request that neither waits nor is with a thread sees cancel_ when it is tried.
void epoll_reactor::cancel(io_operation& operation) noexcept {
  cancel_of(operation) = cancel_request::made;
  if (polls(operation)) {
    watches_.withdraw(operation);
    polls(operation) = false;
    return end_later(operation, ECANCELED);
  }
  (void)end_errands_if([&](const errand& each) { return &each.operation() == &operation; });
}

void epoll_reactor::cancel_all() noexcept {
  while (!submitted_.empty()) end_later(static_cast<io_operation&>(submitted_.pop_front()), ECANCELED);
  watches_.cancel_all();
  (void)end_errands_if([](const errand&) { return true; });
}

void epoll_reactor::turn(patience how_long, inbox& messages) noexcept {
  const std::size_t completed_before = completed_;
  if (!ended_.empty()) [[unlikely]]
    finish_ended();
  if (!held_.empty()) [[unlikely]]
    release_held();
  if (!submitted_.empty()) begin_submitted();
  const bool progress = completed_ != completed_before;
  const bool nothing_due = submitted_.empty() && ended_.empty();
  if (!progress && nothing_due && how_long.may_wait) {
    if (!messages.fall_asleep()) return;
    look(how_long.until);
    if (!submitted_.empty()) begin_submitted();  // so that the answer to a message leaves in the same turn
    return;
  }
  // While requests complete without waiting, some turns go by without an epoll_wait.
  if (watches_.waiting() == 0 || (progress && ++unlooked_ < most_unlooked)) return;
  look(loop_clock::time_point::min());
}

void epoll_reactor::finish_ended() noexcept {
  operation_base::queue ended(std::move(ended_));
  while (!ended.empty()) {
    auto& operation = static_cast<io_operation&>(ended.pop_front());
    finish(operation, -errno_of(operation));
  }
}

void epoll_reactor::begin_submitted() noexcept {
  batch_.append(std::move(submitted_));
  for (unsigned left = entries_; left != 0 && !batch_.empty(); --left)
    begin(static_cast<io_operation&>(batch_.pop_front()));
  batch_.append(std::move(submitted_));  // the older requests stay in front
  submitted_.append(std::move(batch_));
}

// An epoll_wait that fails for good ends every wait for a descriptor: none could ever end, and the loop would
// turn endlessly. Timers and deliveries from other threads go on.
void epoll_reactor::look(loop_clock::time_point limit) noexcept {
  unlooked_ = 0;
  if (watches_.failure() != 0) return await_wake(limit);
  const int count = await_events(limit);
  if (count < 0 && errno != EINTR) watches_.break_down(errno);
  for (int n = 0; n < count; ++n) watches_.on_event(events_[static_cast<std::size_t>(n)]);
}

// When a signal interrupts the wait there is no event, as when the limit has passed.
int epoll_reactor::await_events(loop_clock::time_point limit) noexcept {
  ++system_calls_;
  const int room = static_cast<int>(events_.size());
  if (limit == loop_clock::time_point::max()) return ::epoll_wait(watches_.epoll(), events_.data(), room, -1);
  const auto left = limit == loop_clock::time_point::min() ? loop_clock::duration::zero() : left_until(limit);
  if (left == loop_clock::duration::zero()) return ::epoll_wait(watches_.epoll(), events_.data(), room, 0);
  if (precise_) {
    const auto time = kernel_time<__kernel_timespec>(left);
    const long count = ::syscall(SYS_epoll_pwait2, watches_.epoll(), events_.data(), room, &time, nullptr, 0);
    if (count >= 0 || errno == EINTR) return static_cast<int>(count);
    precise_ = false;  // Linux before 5.11, or a sandbox that does not know the call
    ++system_calls_;
  }
  const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(
      std::min(left, loop_clock::duration(std::chrono::hours(24))));
  return ::epoll_wait(watches_.epoll(), events_.data(), room, static_cast<int>(rounded_up.count()));
}

// The child may have been forked in the middle of a turn, which then goes on in the child and must find
// nothing.
void epoll_reactor::leave_to_parent() noexcept {
  left_ = true;
  close_wake_descriptor();
  watches_.leave_to_parent();
  for (operation_base::queue* each : {&submitted_, &batch_, &ended_})
    (void)operation_base::queue(std::move(*each));
  while (!errands_.empty()) (void)errands_.pop_front();
  held_.clear();
  for (epoll_event& each : events_) each.data.u64 = descriptor_watches::of_nobody;
}

}  // namespace braid::detail
