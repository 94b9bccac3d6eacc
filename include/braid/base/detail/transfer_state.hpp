#pragma once

#include <cstdint>

namespace braid::detail {

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

}  // namespace braid::detail
