// What the readiness reactor knows of descriptors: who waits for them, and what epoll was told of them.

#include <fcntl.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "epoll.hpp"
#include "nonblocking.hpp"

namespace braid::detail {

namespace {

constexpr long verified_after_ns = 10'000'000;

static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLPRI == EPOLLPRI);

std::uint32_t events_of(const request& what) noexcept {
  switch (what.code) {
    case opcode::write:
    case opcode::send:
    case opcode::send_message:
    case opcode::connect: return EPOLLOUT;
    case opcode::poll: {
      const std::uint32_t writes = (what.flags & (POLLWRNORM | POLLWRBAND)) != 0 ? EPOLLOUT : 0U;
      return (what.flags & (EPOLLIN | EPOLLOUT | EPOLLPRI)) | writes;
    }
    default: return EPOLLIN;
  }
}

}  // namespace

int epoll_reactor::control(int what, int descriptor, std::uint32_t events) noexcept {
  epoll_event event{events, {.u64 = static_cast<std::uint32_t>(descriptor)}};
  ++system_calls_;
  return ::epoll_ctl(epoll_, what, descriptor, &event) == 0 ? 0 : errno;
}

// Has epoll watch for what the request waits for: 0, or an errno. Writing is asked for only once somebody
// waits for it, and told once: there is nearly always room.
int epoll_reactor::require(int descriptor, descriptor_watch& of, const request& what) noexcept {
  if (failure_ != 0) return failure_;
  const bool edge = of.edge || what.code == opcode::poll || events_of(what) != EPOLLIN;
  const std::uint32_t wanted =
      of.interest | EPOLLIN | EPOLLRDHUP | EPOLLPRI | events_of(what) | (edge ? EPOLLET : 0U);
  if (of.interest == wanted) {
    doubt(descriptor, of);
    return 0;
  }
  if (of.interest != 0) {
    const int failed = control(EPOLL_CTL_MOD, descriptor, wanted);
    if (failed == 0) {
      of.interest = wanted;
      of.edge = edge;
    }
    if (failed != ENOENT) return failed;
    of.reset();  // another descriptor has the number
  }
  int failed = control(EPOLL_CTL_ADD, descriptor, wanted);
  if (failed == EEXIST) failed = control(EPOLL_CTL_MOD, descriptor, wanted);
  if (failed != 0) return failed;
  of.interest = wanted;
  of.edge = edge;
  return 0;
}

// An event that led nowhere shall not be told again and again.
void epoll_reactor::tell_once(int descriptor, descriptor_watch& of) noexcept {
  if (of.edge || control(EPOLL_CTL_MOD, descriptor, of.interest | EPOLLET) != 0) return;
  of.interest |= EPOLLET;
  of.edge = true;
}

// A try has been made: is another one worth it before the next event? Where it would have blocked, no.
// Events that are told as long as they hold leave the choice: a read of less than was asked for has left
// nothing, but for exceptions that the next event tells. After a full one it is guessed, and after a wrong
// guess not for some times, twice as many each time.
void epoll_reactor::guess(descriptor_watch& of, const request& what, std::int32_t ended,
                          bool tried_first) noexcept {
  const bool reads = &queue_of(of, what.code) == &of.readers;
  if (!reads) {
    if (ended == -EAGAIN && what.code != opcode::poll) of.writable = false;
    return;
  }
  if (ended == -EAGAIN) {
    of.readable = false;
    if (tried_first) of.skips = of.backoff = static_cast<std::uint8_t>(std::min(of.backoff * 2 + 1, 127));
  } else if (!of.edge && ended > 0) {
    if (tried_first) of.skips = of.backoff = 0;
    const bool short_read = (what.code == opcode::read || what.code == opcode::receive) &&
                            static_cast<std::uint32_t>(ended) < what.length;
    of.readable = !short_read && of.skips == 0;
    if (!short_read && of.skips != 0) --of.skips;
  }
}

void epoll_reactor::unregister(int descriptor) noexcept {
  if (descriptor_watch* of = watches_.find(descriptor); of != nullptr && of->interest != 0) {
    (void)control(EPOLL_CTL_DEL, descriptor, 0);
    of->reset();
  }
}

// The number means, or will mean, another descriptor. Who still waits for the one it meant would wait for
// ever.
void epoll_reactor::drop_watches(int descriptor) noexcept {
  descriptor_watch* const of = watches_.find(descriptor);
  if (of == nullptr) return;
  orphan(*of, EBADF);
  of->reset();
}

void epoll_reactor::orphan(descriptor_watch& of, int code) noexcept {
  for (operation_base::queue* each : {&of.readers, &of.writers, &of.pollers})
    while (!each->empty()) {
      auto& operation = static_cast<io_operation&>(each->pop_front());
      stop_waiting(operation);
      errno_of(operation) = static_cast<std::int16_t>(code);
      orphaned_.push_back(operation);
    }
}

void epoll_reactor::make_blocking_again(int descriptor, descriptor_watch& of) noexcept {
  if (std::exchange(of.was_blocking, false)) nonblocking::set_nonblocking(descriptor, false, system_calls_);
}

void epoll_reactor::doubt(int descriptor, descriptor_watch& of) noexcept {
  if (of.doubted) return;
  try {
    doubted_.push_back(descriptor);
    of.doubted = true;
    if (!std::exchange(verification_due_, true)) {
      const itimerspec soon{{}, {0, verified_after_ns}};
      ++system_calls_;
      ::timerfd_settime(verification_timer_, 0, &soon, nullptr);
    }
  } catch (const std::bad_alloc&) {
    // verified at the next wait, if there is memory then
  }
}

// Is what somebody waits for still registered? Modifying a registration as it is also tells its events anew.
// Who waits where it is gone tries again: on another descriptor, or none.
void epoll_reactor::verify_doubted() noexcept {
  verification_due_ = false;
  for (const int descriptor : doubted_) {
    descriptor_watch& of = *watches_.find(descriptor);
    of.doubted = false;
    if (of.interest == 0 || !of.has_waiters() || control(EPOLL_CTL_MOD, descriptor, of.interest) == 0)
      continue;
    of.reset();
    try_again(of);
  }
  doubted_.clear();
}

void epoll_reactor::try_again(descriptor_watch& of) noexcept {
  for (operation_base::queue* each : {&of.readers, &of.writers, &of.pollers})
    while (!each->empty()) {
      auto& operation = static_cast<io_operation&>(each->pop_front());
      stop_waiting(operation);
      submitted_.push_back(operation);
    }
}

// A registration outlives its descriptor where a copy does, in this process or another, and cannot be taken
// back then: its number means something else. So all others move to a new epoll, under the number of the old
// one.
void epoll_reactor::register_anew() noexcept {
  strays_ = 0;
  const int made = ::epoll_create1(EPOLL_CLOEXEC);
  if (made < 0) return;
  ++system_calls_;
  ::dup3(made, epoll_, O_CLOEXEC);
  ::close(made);
  watch_own();
  watches_.for_each([this](int descriptor, descriptor_watch& each) {
    if (each.interest == 0 || control(EPOLL_CTL_ADD, descriptor, each.interest) == 0) return;
    each.reset();
    try_again(each);
  });
}

std::int32_t epoll_reactor::give_up_waiting(int descriptor, descriptor_watch& of) noexcept {
  std::int32_t found = 0;
  for (operation_base::queue* each : {&of.readers, &of.writers, &of.pollers})
    while (!each->empty()) {
      auto& operation = static_cast<io_operation&>(each->pop_front());
      stop_waiting(operation);
      cancelled_.push_back(operation);
      ++found;
    }
  make_blocking_again(descriptor, of);
  return found;
}

// A request that a thread has begun and cannot be left at is waited for here, so that whoever closes the
// descriptor need not ask again and again.
void epoll_reactor::cancel_descriptor(io_operation& operation) noexcept {
  const int descriptor = operation.what().descriptor;
  descriptor_watch* const of = watches_.find(descriptor);
  std::int32_t found = of != nullptr ? give_up_waiting(descriptor, *of) : 0;
  const errand_count sent =
      end_errands_if([&](const errand& each) { return each.operation().what().descriptor == descriptor; });
  found += sent.all + find_not_begun(descriptor);
  if (sent.begun == 0) return finish(operation, found);
  try {
    held_.push_back({&operation, found});
  } catch (const std::bad_alloc&) {
    finish(operation, found);  // it asks again
  }
}

// What begins in this turn or the next one would meet the number's next owner: one that goes on accepting is
// given up, any other, the rest of a transfer say, is found again when it has begun.
std::int32_t epoll_reactor::find_not_begun(int descriptor) noexcept {
  std::int32_t found = 0;
  for (operation_base::queue* each : {&submitted_, &batch_})
    for (std::size_t left = each->size_up_to(in_flight_); left != 0; --left) {
      auto& operation = static_cast<io_operation&>(each->pop_front());
      const request& what = operation.what();
      if (what.descriptor == descriptor && what.uses_descriptor()) {
        if (what.code == opcode::accept_many) cancel_of(operation) = cancel_request::made;
        ++found;
      }
      each->push_back(operation);
    }
  return found;
}

void epoll_reactor::release_held() noexcept {
  for (std::size_t n = 0; n < held_.size();) {
    const held_cancel each = held_[n];
    bool busy = false;
    errands_.for_each([&](const errand& one) {
      busy |= one.operation().what().descriptor == each.operation->what().descriptor;
    });
    if (busy) {
      ++n;
      continue;
    }
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(n));
    finish(*each.operation, each.found);
  }
}

int epoll_reactor::calls::socket(int family, int type, int protocol) noexcept {
  const int made = direct_calls::socket(family, type, protocol);
  if (made >= 0) of.drop_watches(made);
  return made;
}

// Taken out first: where the descriptor has a copy, closing it would leave its registration behind.
int epoll_reactor::calls::close(int descriptor) noexcept {
  of.unregister(descriptor);
  of.drop_watches(descriptor);
  ++of.system_calls_;
  return direct_calls::close(descriptor);
}

}  // namespace braid::detail
