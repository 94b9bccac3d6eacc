#include "descriptor_watches.hpp"

#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <fcntl.h>
#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "kernel_reactor.hpp"
#include "nonblocking.hpp"

namespace braid::detail {

namespace {

constexpr std::uint64_t of_verification = descriptor_watches::of_nobody - 1;
constexpr std::uint32_t read_events = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t write_events = EPOLLOUT | EPOLLHUP | EPOLLERR;
constexpr std::uint8_t most_unheeded = 16;
constexpr long verified_after_ns = 10'000'000;

static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLPRI == EPOLLPRI);

std::uint32_t events_of(const request& what) noexcept {
  switch (what.code) {
    case opcode::write:
    case opcode::send:
    case opcode::send_message:
    case opcode::send_parts:
    case opcode::drain_pipe:
    case opcode::connect: return EPOLLOUT;
    case opcode::poll: {
      const std::uint32_t writes = (what.flags & (POLLWRNORM | POLLWRBAND)) != 0 ? EPOLLOUT : 0U;
      return (what.flags & (EPOLLIN | EPOLLOUT | EPOLLPRI)) | writes;
    }
    default: return EPOLLIN;
  }
}

operation_base::queue& queue_of(descriptor_watch& of, const request& what) noexcept {
  if (what.code == opcode::poll) return of.pollers;
  return events_of(what) == EPOLLOUT ? of.writers : of.readers;
}

}  // namespace

descriptor_watches::descriptor_watches(watch_listener& listener, int wake_descriptor, std::size_t& calls)
    : listener_(listener), wake_descriptor_(wake_descriptor), system_calls_(calls) {
  doubted_.reserve(256);
  const char* call = "epoll_create1";
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ >= 0) {
    call = "timerfd_create";
    verification_timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  }
  if (verification_timer_ >= 0) {
    call = "epoll_ctl";
    if (watch_own()) return;
  }
  const int code = errno;
  close_own();
  throw_refused(code, call);
}

void descriptor_watches::close_own() noexcept {
  for (int* each : {&verification_timer_, &epoll_})
    if (const int closed = std::exchange(*each, -1); closed >= 0) ::close(closed);
}

// Edge-triggered, so that they need not be read: every write and every expiry is an event of its own.
bool descriptor_watches::watch_own() noexcept {
  const auto watched = [this](int descriptor, std::uint64_t data) {
    epoll_event event{EPOLLIN | EPOLLET, {.u64 = data}};
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
  };
  return watched(wake_descriptor_, of_nobody) && watched(verification_timer_, of_verification);
}

void descriptor_watches::leave_to_parent() noexcept {
  close_own();
  table_.for_each([](int, descriptor_watch& each) {
    for (operation_base::queue* waiting : {&each.readers, &each.writers, &each.pollers})
      (void)operation_base::queue(std::move(*waiting));
    each.reset();
  });
}

descriptor_watch* descriptor_watches::registered(int descriptor) const noexcept {
  descriptor_watch* const found = table_.find(descriptor);
  return found != nullptr && found->interest != 0 ? found : nullptr;
}

int descriptor_watches::control(int what, int descriptor, std::uint32_t events) noexcept {
  epoll_event event{events, {.u64 = static_cast<std::uint32_t>(descriptor)}};
  ++system_calls_;
  return ::epoll_ctl(epoll_, what, descriptor, &event) == 0 ? 0 : errno;
}

// EPOLLOUT is registered only once a request waits for it, and edge-triggered: there is nearly always room to
// write.
int descriptor_watches::require(descriptor_watch& of, const request& what) noexcept {
  if (failure_ != 0) return failure_;
  const int descriptor = what.descriptor;
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

// The table is as long as the highest number in it: one that is not open gets no place.
int descriptor_watches::require(const request& what) noexcept try {
  if (table_.find(what.descriptor) == nullptr) {
    ++system_calls_;
    if (::fcntl(what.descriptor, F_GETFD) < 0) return errno;
  }
  return require(table_.at(what.descriptor), what);
} catch (const std::bad_alloc&) {
  return ENOMEM;
}

int descriptor_watches::wait(io_operation& operation) noexcept {
  const request& what = operation.what();
  const int failed = require(what);
  if (failed != 0) return failed;
  queue_of(*table_.find(what.descriptor), what).push_back(operation);
  ++waiting_;
  return 0;
}

void descriptor_watches::withdraw(io_operation& operation) noexcept {
  const request& what = operation.what();
  descriptor_watch& of = *table_.find(what.descriptor);
  const bool removed = queue_of(of, what).remove(operation);
  BRAID_ASSERT(removed);
  --waiting_;
  if (what.code == opcode::connect) make_blocking_again(what.descriptor);
}

bool descriptor_watches::must_wait(const request& what) noexcept {
  descriptor_watch* const of = registered(what.descriptor);
  if (of == nullptr) return false;
  of->unheeded = 0;
  if (what.code == opcode::poll || what.code == opcode::connect) return false;
  const operation_base::queue& queue = queue_of(*of, what);
  const bool not_ready =
      &queue == &of->readers ? !of->readable : (of->interest & EPOLLOUT) != 0 && !of->writable;
  return not_ready || !queue.empty();
}

// The next request should not try after EAGAIN. With level-triggered events it should not after a short
// read either: if anything is left, the next event reports it. After a full read it should, but a wrong guess
// stops such tries for a while, twice as long each time.
void descriptor_watches::note_result(const request& what, std::int32_t ended, bool tried_first) noexcept {
  descriptor_watch* const found = registered(what.descriptor);
  if (found == nullptr) return;
  descriptor_watch& of = *found;
  const bool reads = &queue_of(of, what) == &of.readers;
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

void descriptor_watches::on_event(const epoll_event& event) noexcept {
  if (event.data.u64 == of_nobody) return;
  if (event.data.u64 == of_verification) return verify_doubted();
  const int descriptor = static_cast<int>(event.data.u64);
  descriptor_watch* const found = registered(descriptor);
  if (found == nullptr) {
    // The descriptor is closed, but a copy of it is open. A single event may have been under way already.
    if (++strays_ == most_unheeded) register_anew();
    return;
  }
  descriptor_watch& of = *found;
  if ((event.events & read_events) != 0) of.readable = true;
  if ((event.events & write_events) != 0) of.writable = true;
  if (!of.has_waiters()) {
    // Other code, or another loop, may use the descriptor now. Its events must not keep waking this loop.
    if (++of.unheeded == most_unheeded) return unregister(descriptor, of);
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

bool descriptor_watches::serve(operation_base::queue& waiting, const bool& ready) noexcept {
  bool served = false;
  while (ready && !waiting.empty()) {
    auto& operation = static_cast<io_operation&>(waiting.pop_front());
    --waiting_;
    if (!listener_.on_ready(operation)) {
      waiting.push_front(operation);
      ++waiting_;
      break;
    }
    served = true;
  }
  return served;
}

// Each stays in the queue until its turn, because one that finishes may cancel the others.
void descriptor_watches::serve_pollers(descriptor_watch& of) noexcept {
  for (std::size_t left = of.pollers.size_up_to(waiting_); left != 0 && !of.pollers.empty(); --left) {
    auto& operation = static_cast<io_operation&>(of.pollers.pop_front());
    --waiting_;
    if (listener_.on_ready(operation)) continue;
    of.pollers.push_back(operation);
    ++waiting_;
  }
}

// Makes the descriptor edge-triggered, so that an event that led nowhere does not come again and again.
void descriptor_watches::make_edge_triggered(int descriptor, descriptor_watch& of) noexcept {
  if (of.edge || control(EPOLL_CTL_MOD, descriptor, of.interest | EPOLLET) != 0) return;
  of.interest |= EPOLLET;
  of.edge = true;
}

void descriptor_watches::unregister(int descriptor, descriptor_watch& of) noexcept {
  (void)control(EPOLL_CTL_DEL, descriptor, 0);
  of.reset();
}

// A registration outlives its descriptor while a copy of the descriptor is open, in this process or another.
// It cannot be removed then, because its number belongs to something else. So all other registrations move to
// a new epoll, which takes over the old one's number.
void descriptor_watches::register_anew() noexcept {
  strays_ = 0;
  const int made = ::epoll_create1(EPOLL_CLOEXEC);
  if (made < 0) return;
  ++system_calls_;
  ::dup3(made, epoll_, O_CLOEXEC);
  ::close(made);
  (void)watch_own();
  table_.for_each([this](int descriptor, descriptor_watch& each) {
    if (each.interest != 0 && control(EPOLL_CTL_ADD, descriptor, each.interest) != 0) start_over(each);
  });
}

void descriptor_watches::doubt(int descriptor, descriptor_watch& of) noexcept {
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
void descriptor_watches::verify_doubted() noexcept {
  verification_due_ = false;
  for (const int descriptor : doubted_) {
    descriptor_watch& of = *table_.find(descriptor);
    of.doubted = false;
    if (of.interest != 0 && of.has_waiters() && control(EPOLL_CTL_MOD, descriptor, of.interest) != 0)
      start_over(of);
  }
  doubted_.clear();
}

template <class F>
std::int32_t descriptor_watches::end_waits(descriptor_watch& of, F on_end) noexcept {
  std::int32_t ended = 0;
  for (operation_base::queue* each : {&of.readers, &of.writers, &of.pollers})
    for (; !each->empty(); ++ended) {
      --waiting_;
      on_end(static_cast<io_operation&>(each->pop_front()));
    }
  return ended;
}

void descriptor_watches::start_over(descriptor_watch& of) noexcept {
  of.reset();
  end_waits(of, [this](io_operation& each) { listener_.on_stale(each); });
}

std::int32_t descriptor_watches::give_up(int descriptor, descriptor_watch& of, int code) noexcept {
  make_blocking_again(descriptor);
  return end_waits(of, [this, code](io_operation& each) { listener_.on_failure(each, code); });
}

std::int32_t descriptor_watches::cancel_descriptor(int descriptor) noexcept {
  descriptor_watch* const of = table_.find(descriptor);
  return of != nullptr ? give_up(descriptor, *of, ECANCELED) : 0;
}

void descriptor_watches::cancel_all() noexcept {
  table_.for_each([this](int descriptor, descriptor_watch& each) { give_up(descriptor, each, ECANCELED); });
}

void descriptor_watches::break_down(int code) noexcept {
  failure_ = code;
  table_.for_each([&](int descriptor, descriptor_watch& each) { give_up(descriptor, each, code); });
}

void descriptor_watches::drop(int descriptor) noexcept {
  descriptor_watch* const of = table_.find(descriptor);
  if (of == nullptr) return;
  of->was_blocking = false;
  give_up(descriptor, *of, EBADF);
  of->reset();
}

// Unregisters first: where the descriptor has an open copy, closing it would leave its registration behind.
void descriptor_watches::close(int descriptor) noexcept {
  if (descriptor_watch* const of = registered(descriptor)) unregister(descriptor, *of);
  drop(descriptor);
}

bool descriptor_watches::take_was_blocking(int descriptor) noexcept {
  descriptor_watch* const of = table_.find(descriptor);
  return of != nullptr && std::exchange(of->was_blocking, false);
}

void descriptor_watches::make_blocking_again(int descriptor) noexcept {
  if (take_was_blocking(descriptor)) nonblocking::set_nonblocking(descriptor, false, system_calls_);
}

}  // namespace braid::detail
