// Requests that end without a completion from the kernel, requests that a thread carries out, and requests
// that must end before a descriptor is closed.

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "uring.hpp"

#include "braid/loop/detail/perform.hpp"

namespace braid::detail {

void uring_reactor::end_later(io_operation& operation, int code) noexcept {
  errno_of(operation) = static_cast<std::int16_t>(code);
  ended_.push_back(operation);
  ++outside_;
  watchful_ = true;
}

bool uring_reactor::finish_ended() noexcept {
  if (ended_.empty()) return false;
  operation_base::queue ended(std::move(ended_));
  while (!ended.empty()) {
    auto& operation = static_cast<io_operation&>(ended.pop_front());
    --outside_;
    finish_request(operation, {-errno_of(operation), 0});
  }
  return true;
}

void uring_reactor::close_later(io_operation& operation) noexcept {
  closing_.push_back(operation);
  ++outside_;
  watchful_ = true;
}

// Cancels by descriptor number. The kernel can cancel by descriptor too, but would also cancel requests on
// other descriptors of the same open file, and would search all requests in flight.
bool uring_reactor::finish_closing() noexcept {
  bool finished = false;
  operation_base::queue closing(std::move(closing_));
  while (!closing.empty()) {
    auto& operation = static_cast<io_operation&>(closing.pop_front());
    const int descriptor = operation.what().descriptor;
    bool busy = false;
    listed_.for_each_near(descriptor, [&](io_operation& each) {
      if (each.what().descriptor != descriptor || !each.what().uses_descriptor()) return;
      busy = true;
      if (!gives_up(each)) cancel(each);
    });
    if (busy) {
      closing_.push_back(operation);
      continue;
    }
    --outside_;
    finished = true;
    finish_request(operation, {});
  }
  return finished;
}

void uring_reactor::send_out(io_operation& operation) noexcept {
  errand* made = nullptr;
  try {
    made = new errand(*this, operation);
  } catch (const std::bad_alloc&) {
    if (operation.what().code == opcode::close)
      return end_later(operation, -std::min(perform(operation.what()), 0));
    return end_later(operation, ENOMEM);
  }
  listed_.add(operation, operation.what().descriptor);
  errands_.push_back(*made);
  ++outside_;
  made->begin();
}

void uring_reactor::on_errand_finished(errand& one) noexcept {
  io_operation& operation = one.operation();
  std::int32_t ended = one.ended();
  if (ended == -EINTR && (ending_ || gives_up(operation))) ended = -ECANCELED;
  one.unlink();
  delete &one;
  listed_.remove(operation);
  --outside_;
  finish_request(operation, {ended, 0});
}

// True when a thread carries the operation out.
bool uring_reactor::take_back(const io_operation& operation) noexcept {
  errand* found = nullptr;
  errands_.for_each([&](errand& each) {
    if (&each.operation() == &operation) found = &each;
  });
  if (found == nullptr) return false;
  (void)found->end_early();
  return true;
}

}  // namespace braid::detail
