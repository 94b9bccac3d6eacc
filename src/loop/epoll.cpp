#include "epoll.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include "braid/loop/detail/blocking_pool.hpp"

namespace braid::detail {

namespace {

// The data of events that belong to no request's descriptor.
constexpr std::uint64_t of_wake = ~std::uint64_t{0};
constexpr std::uint64_t of_verification = of_wake - 1;
constexpr std::uint32_t read_events = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t write_events = EPOLLOUT | EPOLLHUP | EPOLLERR;
constexpr std::uint8_t most_unheeded = 16;
constexpr unsigned most_unlooked = 8;  // turns in a row that complete something without an epoll_wait

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441  // on every architecture
#endif

[[noreturn]] void fail(int code, const char* call) {
  const std::string text = std::string("loop: ") + call;
  throw std::system_error(code, std::generic_category(),
                          code == EMFILE ? text +
                                               ": this process has no descriptor left: raise "
                                               "RLIMIT_NOFILE (ulimit -n) or close some"
                                         : text);
}

}  // namespace

epoll_reactor::epoll_reactor(const loop_options& options) : entries_(options.entries) {
  if (entries_ == 0 || entries_ > 32768)
    throw std::system_error(EINVAL, std::generic_category(),
                            "loop: epoll: the number of entries is out of range: give one from 1 to 32768");
  (void)blocking_pool::instance();  // reports an invalid BRAID_BLOCKING_THREADS now, not at a later request
  events_.resize(std::min(entries_, 1024U));
  held_.reserve(16);
  doubted_.reserve(256);
  const char* call = "epoll_create1";
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ >= 0) {
    call = "eventfd";
    wake_descriptor_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  }
  if (wake_descriptor_ >= 0) {
    call = "timerfd_create";
    verification_timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  }
  if (verification_timer_ >= 0) {
    call = "epoll_ctl";
    if (watch_own()) return;
  }
  const int code = errno;
  close_descriptors();
  fail(code, call);
}

// Edge-triggered, so that they need not be read: every write and every expiry is an event of its own.
bool epoll_reactor::watch_own() noexcept {
  const auto watched = [this](int descriptor, std::uint64_t data) {
    epoll_event event{EPOLLIN | EPOLLET, {.u64 = data}};
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
  };
  return watched(wake_descriptor_, of_wake) && watched(verification_timer_, of_verification);
}

epoll_reactor::~epoll_reactor() {
  BRAID_ASSERT(in_flight() == 0);
  close_descriptors();
}

void epoll_reactor::close_descriptors() noexcept {
  for (const int each : {verification_timer_, wake_descriptor_, epoll_})
    if (each >= 0) ::close(each);
}

loop_clock::time_point epoll_reactor::now() const noexcept {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return loop_clock::time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

// The next turn tries the request, so that it never finishes within this call.
void epoll_reactor::submit(io_operation& operation) noexcept {
  mark_begun(operation);
  ++in_flight_;
  submitted_.push_back(operation);
}

// A request that neither waits nor is with a thread sees cancel_ when it is tried.
void epoll_reactor::cancel(io_operation& operation) noexcept {
  cancel_of(operation) = cancel_request::made;
  const request& what = operation.what();
  if (polls(operation)) {
    descriptor_watch& of = *watches_.find(what.descriptor);
    const bool removed = queue_of(of, what.code).remove(operation);
    BRAID_ASSERT(removed);
    stop_waiting(operation);
    if (what.code == opcode::connect) make_blocking_again(what.descriptor, of);
    return cancelled_.push_back(operation);
  }
  (void)end_errands_if([&](const errand& each) { return &each.operation() == &operation; });
}

void epoll_reactor::cancel_all() noexcept {
  cancelled_.append(std::move(submitted_));
  watches_.for_each(
      [this](int descriptor, descriptor_watch& each) { (void)give_up_waiting(descriptor, each); });
  (void)end_errands_if([](const errand&) { return true; });
}

void epoll_reactor::turn(patience how_long, inbox& messages) noexcept {
  const std::size_t completed_before = completed_;
  if (!cancelled_.empty() || !orphaned_.empty()) [[unlikely]]
    finish_ended();
  if (!held_.empty()) [[unlikely]]
    release_held();
  if (!submitted_.empty()) begin_submitted();
  const bool progress = completed_ != completed_before;
  const bool nothing_due = submitted_.empty() && cancelled_.empty() && orphaned_.empty();
  if (!progress && nothing_due && how_long.may_wait) {
    wait(how_long, messages);
    if (!submitted_.empty()) begin_submitted();  // so that the answer to a message leaves in the same turn
    return;
  }
  // While requests complete without waiting, some turns go by without an epoll_wait.
  if (waiting_ == 0 || (progress && ++unlooked_ < most_unlooked)) return;
  constexpr loop_clock::duration at_once{};
  look(&at_once);
}

void epoll_reactor::finish_ended() noexcept {
  operation_base::queue cancelled(std::move(cancelled_)), orphaned(std::move(orphaned_));
  while (!cancelled.empty()) finish(static_cast<io_operation&>(cancelled.pop_front()), -ECANCELED);
  while (!orphaned.empty()) {
    auto& operation = static_cast<io_operation&>(orphaned.pop_front());
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

void epoll_reactor::wait(patience how_long, inbox& messages) noexcept {
  if (!messages.fall_asleep()) return;
  if (how_long.until == loop_clock::time_point::max()) return look(nullptr);
  const auto limit = std::max(how_long.until - now(), loop_clock::duration::zero());
  look(&limit);
}

void epoll_reactor::look(const loop_clock::duration* limit) noexcept {
  unlooked_ = 0;
  if (failure_ != 0) return await_wake(limit);
  const int count = await_events(limit);
  if (count < 0 && errno != EINTR) break_down(errno);
  for (int n = 0; n < count; ++n) {
    const epoll_event& each = events_[static_cast<std::size_t>(n)];
    if (each.data.u64 == of_verification)
      verify_doubted();
    else if (each.data.u64 != of_wake)
      on_event(static_cast<int>(each.data.u64), each.events);
  }
}

// When a signal interrupts the wait there is no event, as when the limit has passed.
int epoll_reactor::await_events(const loop_clock::duration* limit) noexcept {
  ++system_calls_;
  const int room = static_cast<int>(events_.size());
  if (limit == nullptr) return ::epoll_wait(epoll_, events_.data(), room, -1);
  if (*limit == loop_clock::duration::zero()) return ::epoll_wait(epoll_, events_.data(), room, 0);
  if (precise_) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*limit);
    const struct {
      std::int64_t seconds, nanoseconds;
    } time{seconds.count(), (*limit - seconds).count()};
    const long count = ::syscall(SYS_epoll_pwait2, epoll_, events_.data(), room, &time, nullptr, 0);
    if (count >= 0 || errno == EINTR) return static_cast<int>(count);
    precise_ = false;  // Linux before 5.11, or a sandbox that does not know the call
    ++system_calls_;
  }
  const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(
      std::min(*limit, loop_clock::duration(std::chrono::hours(24))));
  return ::epoll_wait(epoll_, events_.data(), room, static_cast<int>(rounded_up.count()));
}

void epoll_reactor::on_event(int descriptor, std::uint32_t events) noexcept {
  descriptor_watch* const found = watches_.find(descriptor);
  if (found == nullptr || found->interest == 0) {
    // The descriptor is closed, but a copy of it is open. A single event may have been under way already.
    if (++strays_ == most_unheeded) register_anew();
    return;
  }
  descriptor_watch& of = *found;
  if ((events & read_events) != 0) of.readable = true;
  if ((events & write_events) != 0) of.writable = true;
  if (!of.has_waiters()) {
    // Other code, or another loop, may use the descriptor now. Its events must not keep waking this loop.
    if (++of.unheeded == most_unheeded) return unregister(descriptor);
    return make_edge_triggered(descriptor, of);
  }
  bool led_somewhere = serve(of.readers, of.readable);
  led_somewhere |= serve(of.writers, of.writable);
  if (!of.pollers.empty()) serve_pollers(of);
  if (led_somewhere || of.interest == 0) {
    of.unheeded = 0;
  } else if (of.edge && ++of.unheeded == most_unheeded) {
    of.unheeded = 0;
    register_anew();  // the events come from another open file, which had the number before
  } else {
    make_edge_triggered(descriptor, of);
  }
}

bool epoll_reactor::serve(operation_base::queue& waiting, const bool& ready) noexcept {
  bool served = false;
  while (ready && !waiting.empty()) {
    auto& operation = static_cast<io_operation&>(waiting.pop_front());
    stop_waiting(operation);
    const std::int32_t ended = carry_out(operation, false);
    if (ended == -EAGAIN) {
      waiting.push_front(operation);
      start_waiting(operation);
      break;
    }
    served = true;
    handle_result(operation, ended);
  }
  return served;
}

void epoll_reactor::serve_pollers(descriptor_watch& of) noexcept {
  // Each stays in the queue until its turn, because one that finishes may cancel the others.
  for (std::size_t left = of.pollers.size_up_to(waiting_); left != 0 && !of.pollers.empty(); --left) {
    auto& operation = static_cast<io_operation&>(of.pollers.pop_front());
    stop_waiting(operation);
    handle_result(operation, carry_out(operation, false));
  }
}

// epoll_wait has failed for good: no wait for a descriptor could ever end, and the loop would turn endlessly.
// So every such wait ends with the errno. Timers and deliveries from other threads go on.
void epoll_reactor::break_down(int code) noexcept {
  failure_ = code;
  watches_.for_each([&](int descriptor, descriptor_watch& each) {
    make_blocking_again(descriptor, each);
    orphan(each, code);
  });
}

void epoll_reactor::await_wake(const loop_clock::duration* limit) noexcept {
  timespec left{};
  if (limit != nullptr) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*limit);
    left = {static_cast<std::time_t>(seconds.count()), static_cast<long>((*limit - seconds).count())};
  }
  pollfd wakes{wake_descriptor_, POLLIN, 0};
  std::uint64_t count = 0;
  ++system_calls_;
  if (::ppoll(&wakes, 1, limit != nullptr ? &left : nullptr, nullptr) == 1)
    (void)!::read(wake_descriptor_, &count, sizeof count);
}

// The child may have been forked in the middle of a turn, which then goes on in the child and must find
// nothing.
void epoll_reactor::leave_to_parent() noexcept {
  left_ = true;
  close_descriptors();
  epoll_ = wake_descriptor_ = verification_timer_ = -1;
  for (operation_base::queue* each : {&submitted_, &batch_, &cancelled_, &orphaned_})
    (void)operation_base::queue(std::move(*each));
  watches_.for_each([](int, descriptor_watch& each) {
    for (operation_base::queue* waiting : {&each.readers, &each.writers, &each.pollers})
      (void)operation_base::queue(std::move(*waiting));
    each.reset();
  });
  while (!errands_.empty()) (void)errands_.pop_front();
  held_.clear();
  for (epoll_event& each : events_) each.data.u64 = of_wake;
}

void epoll_reactor::wake() noexcept {
  const std::uint64_t one = 1;
  while (::write(wake_descriptor_, &one, sizeof one) < 0 && errno == EINTR) {}
}

}  // namespace braid::detail
