#pragma once

#include <coroutine>
#include <utility>

#include "braid/base/assert.hpp"

namespace braid {

/// How control passes between coroutines without growing the stack, whatever the compiler and its flags.
///
/// Downwards, an awaiter begins what it awaits as a plain call, with its own address as `starting`. What completes
/// within that call only marks it, and the awaiter goes on without having been suspended: 3,000,000 awaits that
/// complete at once are a loop. Upwards, a coroutine that ends later parks its awaiter, and the outermost resume on
/// this thread's stack runs it: a trampoline. So no tail call is ever needed, which g++ does not make at -O0, -O1,
/// -Og or under a sanitizer. Calls nest at most `deepest` times; what goes deeper is parked too.
///
/// Threads  one for each thread; a fiber has its own while it runs.
/// Source   the trampoline is Steele's (1978); the inline start is what folly and libunifex do for ready awaits.
struct transfer_state {
  static constexpr unsigned deepest = 24;

  const void* starting = nullptr;    ///< the awaiter whose operation is being started; null once that completed
  std::coroutine_handle<> parked;    ///< runs when the stack has unwound to the outermost resume
  unsigned depth = 0;                ///< calls of coroutines on this stack

  [[nodiscard]] bool too_deep() const noexcept { return depth >= deepest; }
};

inline constinit thread_local transfer_state transfers{};

/// Runs the coroutine, and what it parks, until it suspends or ends.
inline void resume(std::coroutine_handle<> next) {
  transfer_state& here = transfers;
  ++here.depth;
  do next.resume();
  while ((next = std::exchange(here.parked, nullptr)));
  --here.depth;
}

/// Has the coroutine run next, once the running one has returned. Where nobody would pick it up (somebody else's
/// code resumed the running one), it runs here and now.
inline void park(std::coroutine_handle<> next) {
  transfer_state& here = transfers;
  if (here.depth != 0 && !here.parked) [[likely]]
    here.parked = next;
  else
    resume(next);
}

/// The scope of a call that starts an operation on behalf of an awaiter.
class inline_start {
 public:
  explicit inline_start(const void* awaiter) noexcept : outer_(std::exchange(transfers.starting, awaiter)) {
    ++transfers.depth;
  }
  inline_start(const inline_start&) = delete;
  inline_start& operator=(const inline_start&) = delete;
  ~inline_start() {
    transfers.starting = outer_;
    --transfers.depth;
  }
  /// Did the operation complete within the call? Asks nothing of the awaiter, which may be gone if it did not.
  [[nodiscard]] bool completed() const noexcept { return transfers.starting == nullptr; }

  /// For the operation's end: true when its awaiter is still starting it, and will go on by itself.
  [[nodiscard]] static bool mark_completed(const void* awaiter) noexcept {
    if (transfers.starting != awaiter) return false;
    transfers.starting = nullptr;
    return true;
  }

 private:
  const void* outer_;
};

}  // namespace braid
