#pragma once

#include <cstdint>

namespace braid::detail {

/// The state through which coroutines pass control without growing the stack, with any compiler and flags.
///
/// Downwards: an awaiter starts its operation by a plain call, with its own address in `starting`. An
/// operation that completes within that call clears `starting`, and the awaiter continues without being
/// suspended: 3,000,000 awaits that complete at once are a loop. Upwards: a coroutine that ends later parks
/// its awaiter, and the innermost resume on this thread's stack runs it (a trampoline). No tail call is
/// needed, which g++ omits at -O0, -O1, -Og and under a sanitizer. Calls nest until they have used
/// `most_bytes` of stack; deeper ones are parked too.
///
/// Threads  one per thread; a fiber has its own while it runs.
/// Source   Steele, Rabbit (1978), for the trampoline.
struct transfer_state {
  static constexpr std::uintptr_t most_bytes = 16 << 10;

  const void* starting = nullptr;  ///< the awaiter whose operation is being started; null once it completed
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
