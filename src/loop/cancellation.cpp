#include "braid/loop/cancellation.hpp"

#include <cstddef>
#include <new>
#include <thread>
#include <type_traits>

namespace braid {

cancellation& cancellation::whole(void* room) noexcept {
  static_assert(std::is_standard_layout_v<cancellation>);
  return *reinterpret_cast<cancellation*>(static_cast<char*>(room) - offsetof(cancellation, room_));
}

void cancellation::attach(stop_token token, registration::execute_fn& on_request) noexcept {
  home_ = &loop::current();
  put_off_ = false;
  phase_.store(phase::armed, std::memory_order_relaxed);
  (new (&room_.callback) registration(on_request))->attach(token);
}

// A request on another thread and the operation's end race for the phase. If the end wins, the destructor of
// the registration waits until the callback has returned.
bool cancellation::unregister() noexcept {
  if (phase armed = phase::armed;
      phase_.compare_exchange_strong(armed, phase::idle, std::memory_order_acquire)) {
    room_.callback.~registration();
    return true;
  }
  await_departure();
  put_off_ = true;
  return false;
}

void cancellation::withdraw_request() noexcept {
  home_->operations().withdraw_ready(room_.request);
  phase_.store(phase::idle, std::memory_order_relaxed);
}

// Called on the requesting thread. On another one than the loop's, the message takes the callback's room.
bool cancellation::is_here(message::finish_fn& on_arrival) noexcept {
  if (loop::current_or_null() == home_) {
    requested_ = true;
    return true;
  }
  phase armed = phase::armed;
  if (!phase_.compare_exchange_strong(armed, phase::claimed, std::memory_order_acquire)) return false;
  room_.callback.~registration();
  home_->operations().deliver(*new (&room_.request) message(on_arrival));
  phase_.store(phase::travelling, std::memory_order_release);
  return false;
}

bool cancellation::arrives_late() noexcept {
  await_departure();
  phase_.store(phase::idle, std::memory_order_relaxed);
  requested_ = true;
  return put_off_;
}

// Waits until the requesting thread touches the operation no more, which takes it a few instructions.
void cancellation::await_departure() const noexcept {
  while (phase_.load(std::memory_order_acquire) != phase::travelling) std::this_thread::yield();
}

}  // namespace braid
