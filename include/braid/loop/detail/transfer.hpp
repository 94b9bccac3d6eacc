#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>

#include "braid/base/detail/transfer_state.hpp"

namespace braid::detail {

/// Runs what is parked, and whatever that parks in turn. Called only from the innermost resume on this stack.
void run_all_parked();
[[gnu::always_inline]] inline void run_parked() {
  if (transfers.parked != nullptr) [[unlikely]]
    run_all_parked();
}

/// Marks where a stack's coroutines begin, unless an outer one has done so.
class transfer_base {
 public:
  [[gnu::always_inline]] transfer_base() noexcept : outermost_(!transfers.running()) {
    if (outermost_)
      transfers.deepest =
          reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) - transfer_state::most_bytes;
  }
  transfer_base(const transfer_base&) = delete;
  transfer_base& operator=(const transfer_base&) = delete;
  ~transfer_base() {
    if (outermost_) transfers.deepest = 0;
  }

 private:
  const bool outermost_;
};

/// Runs the coroutine until it suspends or ends, then what it has parked.
inline void resume(std::coroutine_handle<> next) {
  const transfer_base here;
  next.resume();
  run_parked();
}

/// The slow way of park: no coroutine runs, or something is parked already.
[[gnu::cold, gnu::noinline]] void run_or_park(void (*function)(void*), void* argument);

/// Runs function(argument) next, once the running coroutine has returned. If no coroutine runs, or something
/// is parked already, runs it at once; but in a later turn if the stack is too deep for that.
inline void park(void (*function)(void*), void* argument) {
  transfer_state& here = transfers;
  if (!here.running() || here.parked != nullptr) [[unlikely]]
    return run_or_park(function, argument);
  here.parked = function;
  here.parked_argument = argument;
}
inline void park(std::coroutine_handle<> next) {
  park([](void* frame) { std::coroutine_handle<>::from_address(frame).resume(); }, next.address());
}

/// The scope of a call that starts an operation on behalf of an awaiter.
class inline_start {
 public:
  explicit inline_start(const void* awaiter) noexcept : outer_(std::exchange(transfers.starting, awaiter)) {}
  inline_start(const inline_start&) = delete;
  inline_start& operator=(const inline_start&) = delete;
  ~inline_start() { transfers.starting = outer_; }

  /// Did the operation complete within the call? Does not touch the awaiter, which may be gone if it did not.
  [[nodiscard]] bool completed() const noexcept { return transfers.starting == nullptr; }

  /// Called when the operation ends. True when its awaiter is still starting it, and so continues by itself.
  [[nodiscard]] static bool mark_completed(const void* awaiter) noexcept {
    if (transfers.starting != awaiter) return false;
    transfers.starting = nullptr;
    return true;
  }

 private:
  const void* const outer_;
};

}  // namespace braid::detail
