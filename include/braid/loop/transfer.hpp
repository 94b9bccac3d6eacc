#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>

namespace braid {

/// How control passes between coroutines without growing the stack, whatever the compiler and its flags.
///
/// Downwards, an awaiter begins what it awaits as a plain call, with its own address as `starting`. What
/// completes within that call only marks it, and the awaiter goes on without having been suspended: 3,000,000
/// awaits that complete at once are a loop. Upwards, a coroutine that ends later parks its awaiter, and the
/// innermost resume on this thread's stack runs it: a trampoline. So no tail call is ever needed, which g++
/// does not make at -O0, -O1, -Og or under a sanitizer. Calls nest until they have used `most_bytes` of
/// stack; what goes deeper is parked too.
///
/// Threads  one for each thread; a fiber has its own while it runs.
/// Source   Steele, Rabbit (1978), for the trampoline.
struct transfer_state {
  static constexpr std::uintptr_t most_bytes = 16 << 10;

  const void* starting = nullptr;  ///< the awaiter whose operation is being started; null once that completed
  void (*parked)(void*) = nullptr;  ///< called when the stack has unwound to the innermost resume
  void* parked_argument = nullptr;
  std::uintptr_t deepest = 0;  ///< how far down this stack coroutines may call; 0 while none runs

  [[nodiscard, gnu::always_inline]] bool running() const noexcept { return deepest != 0; }
  [[nodiscard, gnu::always_inline]] bool too_deep() const noexcept {
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) < deepest;
  }
};

inline constinit thread_local transfer_state transfers{};

/// Runs what is parked, and what that parks. Only at the bottom of the stack's coroutines, or just above it.
void run_all_parked();
[[gnu::always_inline]] inline void run_parked() {
  if (transfers.parked != nullptr) [[unlikely]]
    run_all_parked();
}

/// Marks the bottom of a stack's coroutines, unless one is marked further down.
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

/// Runs the coroutine, and what it parks, until it suspends or ends.
inline void resume(std::coroutine_handle<> next) {
  const transfer_base here;
  next.resume();
  run_parked();
}

/// For park, where nothing can be parked.
[[gnu::cold, gnu::noinline]] void run_otherwise(void (*function)(void*), void* argument);

/// Has function(argument) run next, once the running coroutine has returned; here and now where none runs, or
/// where something is parked already.
inline void park(void (*function)(void*), void* argument) {
  transfer_state& here = transfers;
  if (!here.running() || here.parked != nullptr) [[unlikely]]
    return run_otherwise(function, argument);
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

  /// Did the operation complete within the call? Asks nothing of the awaiter, which may be gone if it did
  /// not.
  [[nodiscard]] bool completed() const noexcept { return transfers.starting == nullptr; }

  /// For the operation's end: true when its awaiter is still starting it, and will go on by itself.
  [[nodiscard]] static bool mark_completed(const void* awaiter) noexcept {
    if (transfers.starting != awaiter) return false;
    transfers.starting = nullptr;
    return true;
  }

 private:
  const void* const outer_;
};

}  // namespace braid
