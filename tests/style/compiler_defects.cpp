// Checks what docs/compilers.md says: when a compiler has fixed a defect, the page must no longer list it.

#include <coroutine>
#include <cstddef>
#include <new>

#include "../../tools/await_copies.hpp"
#include "catch.hpp"

namespace {

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
constexpr bool destroys_twice = true, misplaces_frames = true;
#else
constexpr bool destroys_twice = false, misplaces_frames = false;
#endif

TEST_CASE("compiler: g++ before 13 destroys objects made inside a co_await expression twice",
          "[style][compiler]") {
  CHECK(await_copy_probe::captures_stay_whole() != destroys_twice);
  CHECK(await_copy_probe::conditionals_stay_whole() != destroys_twice);
  CHECK(await_copy_probe::braces_stay_whole() != destroys_twice);
}

// A coroutine that never begins. It knows where its frame is, and where its handle says that it is.
struct frame_probe {
  struct promise_type {
    static void* operator new(std::size_t size) {
      if (size > sizeof room) throw std::bad_alloc();
      return room;
    }
    static void operator delete(void*) noexcept {}
    frame_probe get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this).address() == room};
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_never final_suspend() noexcept { return {}; }
    static void return_void() noexcept {}
    static void unhandled_exception() noexcept {}
    alignas(std::max_align_t) static inline unsigned char room[1024];
  };
  bool is_in_place;
};
struct three {
  static bool await_ready() noexcept { return true; }
  static void await_suspend(std::coroutine_handle<>) noexcept {}
  static int await_resume() noexcept { return 3; }
};
frame_probe condition_alone() {
  if (co_await three() == 4) co_await three();
}
frame_probe loop_alone() {
  while (co_await three() == 4) {}
}
frame_probe condition_in_a_loop(int parameter) {
  for (;;)
    if (co_await three() == parameter) co_return;
}
frame_probe condition_beside_a_variable() {
  const int awaited = co_await three();
  if (awaited == 4) co_await three();
}

TEST_CASE(
    "compiler: g++ before 13 misplaces the frame of a coroutine without variables that awaits in a condition",
    "[style][compiler]") {
  CHECK(condition_alone().is_in_place != misplaces_frames);
  CHECK(loop_alone().is_in_place != misplaces_frames);
  CHECK(condition_in_a_loop(3).is_in_place != misplaces_frames);
  CHECK(condition_beside_a_variable().is_in_place);
}

}  // namespace
