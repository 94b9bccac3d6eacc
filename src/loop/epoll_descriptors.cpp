// The readiness reactor's records of descriptors: their waiters, and their registrations with epoll.

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

// Registers the descriptor for the events that the request waits for. Returns 0 or an errno. EPOLLOUT is
// registered only once a request waits for it, and edge-triggered: there is nearly always room to write.
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
    of.reset();  // another descriptor has the number now
  }
  int failed = control(EPOLL_CTL_ADD, descriptor, wanted);
  if (failed == EEXIST) failed = control(EPOLL_CTL_MOD, descriptor, wanted);
  if (failed != 0) return failed;
  of.interest = wanted;
  of.edge = edge;
  return 0;
}

// Makes the descriptor edge-triggered, so that an event that led nowhere does not come again and again.
void epoll_reactor::make_edge_triggered(int descriptor, descriptor_watch& of) noexcept {
  if (of.edge || control(EPOLL_CTL_MOD, descriptor, of.interest | EPOLLET) != 0) return;
  of.interest |= EPOLLET;
  of.edge = true;
}

// Decides after a call whether the next request should try before it waits for an event. It should not after
// EAGAIN. With level-triggered events it should not after a short read either: if anything is left, the next
// event reports it. After a full read it should, but a wrong guess stops such tries for a while, twice as
// long each time.
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

// The number belongs, or will belong, to another descriptor. Requests that wait for the old one end with
// EBADF, since no event would ever end their wait.
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
    // the next wait verifies it, if there is memory then
  }
}

// Checks that the descriptors that requests wait for are still registered. Modifying a registration without
// change does that, and also repeats its present events. Where the registration is gone, the requests are
// tried again, on the descriptor that has the number now, if there is one.
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

// A registration outlives its descriptor while a copy of the descriptor is open, in this process or another.
// It cannot be removed then, because its number belongs to something else. So all other registrations move to
// a new epoll, which takes over the old one's number.
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

// Where a thread has begun a request that cannot be abandoned, the cancel_descriptor waits for it here. So
// the close need not submit its cancel_descriptor again and again.
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
    finish(operation, found);  // the close submits it again
  }
}

// Counts the requests on the descriptor that are not tried yet; they must not reach the number's next
// owner. An accept_many is cancelled. Any other, such as the rest of a transfer, has begun when the close
// asks again.
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

// Unregisters first: where the descriptor has an open copy, closing it would leave its registration behind.
int epoll_reactor::calls::close(int descriptor) noexcept {
  of.unregister(descriptor);
  of.drop_watches(descriptor);
  ++of.system_calls_;
  return direct_calls::close(descriptor);
}

}  // namespace braid::detail
