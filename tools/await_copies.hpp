#pragma once

#include <coroutine>
#include <exception>

/// Finds out by trying whether this compiler has the faults of g++ 12 around co_await. Canaries know their
/// own address and count their lives.
class await_copy_probe {
 public:
  /// False when a closure written inside a co_await expression is copied byte by byte, so that its captures
  /// are destroyed twice.
  [[nodiscard]] static bool captures_stay_whole() { return stays_whole(await_a_closure); }
  /// False when the same happens to the value of a co_await inside a conditional expression.
  [[nodiscard]] static bool conditionals_stay_whole() { return stays_whole(await_in_a_conditional); }
  /// False when the same happens to the value of a co_await inside an aggregate's braces.
  [[nodiscard]] static bool braces_stay_whole() { return stays_whole(await_in_braces); }

 private:
  struct canary {
    canary() noexcept { ++alive; }
    canary(const canary&) noexcept { ++alive; }
    canary& operator=(const canary&) = delete;
    ~canary() {
      --alive;
      if (self != this) ++moved_in_silence;
    }
    const canary* self = this;
    static inline int alive = 0, moved_in_silence = 0;
  };
  struct coroutine {
    struct promise_type {
      coroutine get_return_object() const noexcept { return {}; }
      std::suspend_never initial_suspend() const noexcept { return {}; }
      std::suspend_never final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      void unhandled_exception() const noexcept { std::terminate(); }
    };
  };
  struct giver : std::suspend_never {
    canary await_resume() const noexcept { return {}; }
  };
  struct aggregate {
    canary first;
    int second;
  };
  static bool stays_whole(coroutine (*probe)()) {
    canary::alive = canary::moved_in_silence = 0;
    probe();
    return canary::alive == 0 && canary::moved_in_silence == 0;
  }
  template <class F>
  static std::suspend_never call(F&& f) {
    f();
    return {};
  }
  // [await_a_closure]
  static coroutine await_a_closure() {
    co_await call([held = canary{}] { (void)held; });  // canary's destructor compares its address
  }
  // [/await_a_closure]
  static inline volatile bool truth = true;
  static coroutine await_in_a_conditional() {
    const canary got = truth ? co_await giver() : co_await giver();
  }
  static coroutine await_in_braces() {
    const aggregate got{co_await giver(), 3};
    (void)got;
  }
};
