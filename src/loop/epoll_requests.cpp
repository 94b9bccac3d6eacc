// How the readiness reactor carries out a request: it tries it, waits for the descriptor, or uses a thread.

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "epoll.hpp"
#include "nonblocking.hpp"

#include "braid/loop/detail/buffer_pool.hpp"
#include "braid/loop/detail/perform.hpp"

namespace braid::detail {

namespace {

constexpr std::int32_t in_another_turn = nonblocking::refused + 1;  // not ended: the request goes on
constexpr int most_accepted = 64;  // in one turn

// Is the request's result a new descriptor?
bool makes_descriptor(opcode code) noexcept {
  return code == opcode::open || code == opcode::socket || code == opcode::accept;
}

// Closing a file with unwritten pages may wait for a server or a disk.
bool may_block_in_close(int descriptor) noexcept {
  struct stat found;
  return ::fstat(descriptor, &found) == 0 &&
         (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode) || S_ISBLK(found.st_mode));
}

}  // namespace

void epoll_reactor::begin(io_operation& operation) noexcept {
  if (gives_up(operation)) [[unlikely]]
    return finish(operation, -ECANCELED);
  const request& what = operation.what();
  if (what.code == opcode::receive || what.code == opcode::send) return begin_waiting_kind(operation);
  switch (what.code) {
    case opcode::nop: return finish(operation, 0);
    case opcode::read:
    case opcode::write:
    case opcode::accept:
    case opcode::connect:
    case opcode::send:
    case opcode::receive:
    case opcode::poll:
    case opcode::accept_many:
    case opcode::send_message:
    case opcode::receive_message:
    case opcode::receive_many:
    case opcode::send_parts: return begin_waiting_kind(operation);
    case opcode::shutdown:
    case opcode::socket: ++system_calls_; return handle_result(operation, perform(what));
    case opcode::close: return close(operation);
    case opcode::cancel_descriptor: return cancel_descriptor(operation);
    case opcode::fsync:
    case opcode::truncate:
    case opcode::open:
    case opcode::status:
    case opcode::rename:
    case opcode::unlink:
    case opcode::make_directory:
    case opcode::read_directory:
    case opcode::change_mode:
    case opcode::try_lock: return send_out(operation);
    case opcode::fill_pipe:
    case opcode::drain_pipe:
      return what.splices_when_ready() ? begin_waiting_kind(operation) : send_out(operation);
    case opcode::count_: break;
  }
  finish(operation, -EINVAL);
}

// Begins a request that may wait for its descriptor. It is not tried where it is known that it would block.
void epoll_reactor::begin_waiting_kind(io_operation& operation) noexcept {
  if (watches_.must_wait(operation.what())) return wait_for(operation);
  handle_result(operation, carry_out(operation, true));
}

std::int32_t epoll_reactor::carry_out(io_operation& operation, bool first) noexcept {
  const request& what = operation.what();
  std::int32_t ended = 0;
  if (what.code == opcode::receive)
    ++system_calls_, ended = nonblocking::receive(what);
  else if (what.code == opcode::send)
    ++system_calls_, ended = nonblocking::send(what);
  else if (what.code == opcode::accept_many)
    ended = accept_many(operation);
  else if (what.code == opcode::receive_many)
    ended = receive_many(operation, first);
  else if (what.code == opcode::connect)
    ended = connect(operation, first);
  else
    ended = nonblocking::attempt(what, system_calls_);
  if (ended == nonblocking::refused && what.code != opcode::connect) ended = carry_out_refused(operation);
  watches_.note_result(what, ended, first);
  return ended;
}

// For a descriptor without calls that do not block: asks poll(2) whether it is ready, provided that epoll
// takes it. A file that epoll refuses has no readiness that poll(2) could report.
std::int32_t epoll_reactor::carry_out_refused(io_operation& operation) noexcept {
  const request& what = operation.what();
  const int failed = watches_.require(what);
  if (failed == EPERM && watches_.failure() == 0) return nonblocking::refused;
  if (failed != 0) return -failed;
  return nonblocking::attempt_polled(what, system_calls_);
}

std::int32_t epoll_reactor::accept_many(io_operation& operation) noexcept {
  for (int left = most_accepted; left != 0; --left) {
    const std::int32_t ended = nonblocking::attempt(operation.what(), system_calls_);
    if (ended < 0) return ended;
    watches_.drop(ended);
    ++completed_;
    finish_in_part(operation, {ended, completion::more});
    if (left_) break;
    if (gives_up(operation)) return -ECANCELED;
  }
  return in_another_turn;
}

// One buffer a turn, so that the others have theirs in between. A socket without bytes needs none.
std::int32_t epoll_reactor::receive_many(io_operation& operation, bool first) noexcept {
  request into = operation.what();
  into.code = opcode::receive;
  const auto id = buffers_->take();
  if (!id) {
    char byte = 0;
    into.address = &byte;
    into.length = 1;
    into.flags |= MSG_PEEK;
    ++system_calls_;
    const std::int32_t ended = nonblocking::receive(into);
    return ended > 0 ? -ENOBUFS : ended;
  }
  into.address = buffers_->data(*id);
  into.length = buffer_pool::size;
  ++system_calls_;
  const std::int32_t ended = nonblocking::receive(into);
  if (ended <= 0) {
    buffers_->put_back();
    return ended;
  }
  watches_.note_result(into, ended, first);
  ++completed_;
  finish_in_part(operation, {ended, completion::in_buffer(*id)});
  return gives_up(operation) ? -ECANCELED : in_another_turn;
}

// A second connect(2) returns the outcome, or EALREADY while the attempt goes on. Over loopback the
// connection exists by then.
std::int32_t epoll_reactor::connect(io_operation& operation, bool first) noexcept {
  const request& what = operation.what();
  const bool was_blocking = first ? nonblocking::set_nonblocking(what.descriptor, true, system_calls_)
                                  : watches_.take_was_blocking(what.descriptor);
  std::int32_t ended = nonblocking::attempt(what, system_calls_);
  bool goes_on = !first && ended == -EALREADY;
  if (ended == -EINPROGRESS) {
    ended = nonblocking::attempt(what, system_calls_);
    goes_on = ended == -EALREADY;
  }
  if (goes_on) {
    try {
      if (was_blocking) watches_.keep_was_blocking(what.descriptor);
      return -EAGAIN;
    } catch (const std::bad_alloc&) {
      ended = -ENOMEM;
    }
  }
  if (was_blocking) nonblocking::set_nonblocking(what.descriptor, false, system_calls_);
  // The peer's backlog is full, and no event would report room in it: a thread waits for that.
  return ended == -EAGAIN ? nonblocking::refused : ended;
}

void epoll_reactor::handle_result(io_operation& operation, std::int32_t ended) noexcept {
  if (ended == -EAGAIN) return wait_for(operation);
  if (ended == nonblocking::refused) return send_out(operation);
  if (ended == in_another_turn) return submitted_.push_back(operation);
  finish(operation, ended);
}

void epoll_reactor::wait_for(io_operation& operation) noexcept {
  const request& what = operation.what();
  const int failed = watches_.wait(operation);
  if (failed == 0) {
    polls(operation) = true;
    return;
  }
  // epoll does not take files: a thread waits for their disk.
  if (failed == EPERM && watches_.failure() == 0) return send_out(operation);
  if (what.code == opcode::connect) watches_.make_blocking_again(what.descriptor);
  finish(operation, -failed);
}

bool epoll_reactor::on_ready(io_operation& operation) noexcept {
  polls(operation) = false;
  const std::int32_t ended = carry_out(operation, false);
  if (ended == -EAGAIN) {
    polls(operation) = true;
    return false;
  }
  handle_result(operation, ended);
  return true;
}

void epoll_reactor::on_stale(io_operation& operation) noexcept {
  polls(operation) = false;
  submitted_.push_back(operation);
}

void epoll_reactor::on_failure(io_operation& operation, int code) noexcept {
  polls(operation) = false;
  end_later(operation, code);
}

void epoll_reactor::end_later(io_operation& operation, int code) noexcept {
  errno_of(operation) = static_cast<std::int16_t>(code);
  ended_.push_back(operation);
}

void epoll_reactor::send_out(io_operation& operation) noexcept {
  errand* made = nullptr;
  try {
    made = new errand(*this, operation);
  } catch (const std::bad_alloc&) {
    if (operation.what().code == opcode::close)
      return finish(operation, direct_.close(operation.what().descriptor));
    return finish(operation, -ENOMEM);
  }
  errands_.push_back(*made);
  ++system_calls_;
  made->begin();
}

void epoll_reactor::on_errand_finished(errand& one) noexcept {
  io_operation& operation = one.operation();
  const std::int32_t ended = one.ended();
  one.unlink();
  delete &one;
  finish(operation, ended);
}

void epoll_reactor::finish(io_operation& operation, std::int32_t ended) noexcept {
  if (ended >= 0 && makes_descriptor(operation.what().code)) watches_.drop(ended);
  --in_flight_;
  ++completed_;
  cancel_of(operation) = {};
  reactor::finish(operation, {ended, 0});
}

void epoll_reactor::close(io_operation& operation) noexcept {
  const int descriptor = operation.what().descriptor;
  const bool registered = watches_.is_registered(descriptor);
  if (!registered) ++system_calls_;
  if (!registered && may_block_in_close(descriptor)) {
    watches_.drop(descriptor);  // before another descriptor can get the number
    return send_out(operation);
  }
  finish(operation, direct_.close(descriptor));
}

// Where a thread has begun a request that cannot be abandoned, the cancel_descriptor waits for it here. So
// the close need not submit its cancel_descriptor again and again.
void epoll_reactor::cancel_descriptor(io_operation& operation) noexcept {
  const int descriptor = operation.what().descriptor;
  std::int32_t found = watches_.cancel_descriptor(descriptor);
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
// owner. One that completes many times is cancelled. Any other, such as the rest of a transfer, has begun
// when the close asks again.
std::int32_t epoll_reactor::find_not_begun(int descriptor) noexcept {
  std::int32_t found = 0;
  for (operation_base::queue* each : {&submitted_, &batch_})
    for (std::size_t left = each->size_up_to(in_flight_); left != 0; --left) {
      auto& operation = static_cast<io_operation&>(each->pop_front());
      const request& what = operation.what();
      if (what.descriptor == descriptor && what.uses_descriptor()) {
        if (what.code == opcode::accept_many || what.code == opcode::receive_many)
          cancel_of(operation) = cancel_request::made;
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
  if (made >= 0) of.watches_.drop(made);
  return made;
}

int epoll_reactor::calls::pipe(int (&ends)[2]) noexcept {
  const int failed = direct_calls::pipe(ends);
  if (failed == 0)
    for (const int each : ends) of.watches_.drop(each);
  return failed;
}

int epoll_reactor::calls::close(int descriptor) noexcept {
  of.watches_.close(descriptor);
  ++of.system_calls_;
  return direct_calls::close(descriptor);
}

}  // namespace braid::detail
