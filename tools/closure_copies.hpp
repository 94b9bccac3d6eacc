#pragma once

#include <coroutine>
#include <exception>

/// Does this compiler copy a closure byte by byte, and end what it holds twice, where the closure is written inside a
/// co_await expression? g++ 12 does. Found by trying: a canary that knows its own address is captured.
class closure_copy_probe {
 public:
  [[nodiscard]] static bool captures_stay_whole() {
    canary::moved_in_silence = 0;
    await_a_closure();
    return canary::moved_in_silence == 0;
  }

 private:
  struct canary {
    canary() = default;
    canary(const canary&) noexcept {}
    canary& operator=(const canary&) = delete;
    ~canary() {
      if (self != this) ++moved_in_silence;
    }
    const canary* self = this;
    static inline int moved_in_silence = 0;
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
};
