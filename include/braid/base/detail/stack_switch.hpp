#pragma once

#include <cstddef>

// The sanitizers' entry points, which exist only in a program built with a sanitizer. They are weak, so that
// the library need not be built with the program's flags.
extern "C" {
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** fake_stack_save, const void* bottom,
                                                  std::size_t size);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* fake_stack_save, const void** bottom_old,
                                                   std::size_t* size_old);
[[gnu::weak]] void* __tsan_get_current_fiber();
[[gnu::weak]] void* __tsan_create_fiber(unsigned flags);
[[gnu::weak]] void __tsan_destroy_fiber(void* fiber);
[[gnu::weak]] void __tsan_switch_to_fiber(void* fiber, unsigned flags);
}

namespace braid::detail {

/// Announces the stack switches of one fiber to AddressSanitizer and ThreadSanitizer.
/// Source  sanitizer/common_interface_defs.h, sanitizer/tsan_interface.h.
class stack_switch {
 public:
  stack_switch(const void* bottom, std::size_t size) noexcept : inside_bottom_(bottom), inside_size_(size) {
    if (__tsan_create_fiber != nullptr) inside_tsan_ = __tsan_create_fiber(0);
  }
  stack_switch(const stack_switch&) = delete;
  stack_switch& operator=(const stack_switch&) = delete;
  ~stack_switch() {
    if (inside_tsan_ != nullptr) __tsan_destroy_fiber(inside_tsan_);
  }

  /// Call on the outer stack, before the jump in.
  [[gnu::always_inline]] void entering() noexcept {
    if (__sanitizer_start_switch_fiber != nullptr)
      __sanitizer_start_switch_fiber(&outside_fake_, inside_bottom_, inside_size_);
    if (inside_tsan_ != nullptr) {
      outside_tsan_ = __tsan_get_current_fiber();
      __tsan_switch_to_fiber(inside_tsan_, 0);
    }
  }
  /// Call on the fiber's stack, after the jump in.
  [[gnu::always_inline]] void entered() noexcept {
    if (__sanitizer_finish_switch_fiber != nullptr)
      __sanitizer_finish_switch_fiber(inside_fake_, &outside_bottom_, &outside_size_);
  }
  /// Call on the fiber's stack, before the jump out.
  [[gnu::always_inline]] void leaving() noexcept {
    if (__sanitizer_start_switch_fiber != nullptr)
      __sanitizer_start_switch_fiber(&inside_fake_, outside_bottom_, outside_size_);
    if (inside_tsan_ != nullptr) __tsan_switch_to_fiber(outside_tsan_, 0);
  }
  /// Call on the outer stack, after the jump out.
  [[gnu::always_inline]] void left() noexcept {
    if (__sanitizer_finish_switch_fiber != nullptr)
      __sanitizer_finish_switch_fiber(outside_fake_, nullptr, nullptr);
  }

 private:
  const void* const inside_bottom_;
  const std::size_t inside_size_;
  const void* outside_bottom_ = nullptr;
  std::size_t outside_size_ = 0;
  void* inside_fake_ = nullptr;
  void* outside_fake_ = nullptr;
  void* inside_tsan_ = nullptr;
  void* outside_tsan_ = nullptr;
};

}  // namespace braid::detail
