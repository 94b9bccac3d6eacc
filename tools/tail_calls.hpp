#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>

/// Finds out by trying whether this compiler, with these flags, transfers between coroutines by tail calls.
/// Two coroutines pass control to each other while the probe measures the stack.
class tail_call_probe {
 public:
  [[nodiscard]] static bool stack_stays() {
    constexpr int rounds = 64;
    probe seen;
    player ping = play(seen, rounds), pong = play(seen, rounds);
    seen.players[0] = ping.handle;
    seen.players[1] = pong.handle;
    ping.handle.resume();
    ping.handle.destroy();
    pong.handle.destroy();
    const std::uintptr_t used = seen.first > seen.last ? seen.first - seen.last : seen.last - seen.first;
    return used < 16 * rounds;  // an ordinary call needs more than 16 bytes of stack
  }

 private:
  struct probe {
    std::coroutine_handle<> players[2];
    std::uintptr_t first = 0, last = 0;
    int turn = 0;
  };
  struct transfer {
    probe& seen;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[gnu::noinline]] std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
      const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
      if (seen.first == 0) seen.first = here;
      seen.last = here;
      return seen.players[++seen.turn % 2];
    }
    void await_resume() const noexcept {}
  };
  struct player {
    struct promise_type {
      player get_return_object() noexcept {
        return {std::coroutine_handle<promise_type>::from_promise(*this)};
      }
      std::suspend_always initial_suspend() const noexcept { return {}; }
      std::suspend_always final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      void unhandled_exception() const noexcept { std::terminate(); }
    };
    std::coroutine_handle<> handle;
  };

  static player play(probe& seen, int rounds) {
    for (int i = 0; i < rounds; ++i) co_await transfer{seen};
  }
};
