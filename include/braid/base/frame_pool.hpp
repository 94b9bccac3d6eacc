#pragma once

#include <cstddef>
#include <new>

#include "braid/base/sanitizer.hpp"

namespace braid {

/// A per-thread recycler of coroutine frames, boxes and shared states.
///
/// Each block is its own piece of the heap, so that it may be freed on any thread: it then joins that
/// thread's free list. A list keeps at most kept_bytes; what comes beyond goes back to the heap, and so does
/// the whole pool when its thread ends. Under AddressSanitizer nothing is recycled, so that a use after free
/// shows.
///
/// Threads  every function works on the calling thread's pool.
/// Cost     a hit is about 1 ns and takes no lock; a miss is one operator new.
/// Errors   allocate throws std::bad_alloc on a miss that the heap refuses.
class frame_pool {
 public:
  static constexpr std::size_t kept_bytes = std::size_t{4} << 20;  ///< per size class and thread

  /// A block of at least size bytes, aligned for anything that has no extended alignment.
  [[nodiscard, gnu::always_inline]] static void* allocate(std::size_t size) {
    const std::size_t index = class_of(size);
    if (!recycles || index >= classes) return ::operator new(size);
    list& from = lists_[index];
    if (from.first == nullptr) [[unlikely]]
      return refill(index);
    block* taken = from.first;
    from.first = taken->next;
    ++from.room;
    return taken;
  }

  /// Takes back a block of allocate(size), on whichever thread.
  [[gnu::always_inline]] static void deallocate(void* address, std::size_t size) noexcept {
    const std::size_t index = class_of(size);
    if (!recycles || index >= classes) return ::operator delete(address);
    list& to = lists_[index];
    if (to.room == 0) [[unlikely]]
      return overflow(address, index);
    to.first = new (address) block{to.first};
    --to.room;
  }

 private:
  struct block {
    block* next;
  };
  struct list {
    block* first;
    std::size_t room;  // how many more it keeps; 0 until the thread's first miss, and once the thread ends
  };

  static constexpr bool recycles = BRAID_ASAN == 0;
  static constexpr std::size_t step = 64;
  static constexpr std::size_t small_classes = 32;           // 64, 128, … 2048 bytes
  static constexpr std::size_t classes = small_classes + 10;  // then 4 KiB, 8 KiB, … 2 MiB

  static constexpr std::size_t class_of(std::size_t size) noexcept {
    if (size <= step * small_classes) [[likely]]
      return (size + (size == 0) - 1) / step;
    return small_classes + (64 - static_cast<std::size_t>(__builtin_clzll(size - 1))) - 12;
  }
  static constexpr std::size_t size_of(std::size_t index) noexcept {
    return index < small_classes ? (index + 1) * step : std::size_t{4096} << (index - small_classes);
  }

  static bool open() noexcept;
  [[gnu::cold, gnu::noinline]] static void* refill(std::size_t index);
  [[gnu::cold, gnu::noinline]] static void overflow(void* address, std::size_t index) noexcept;
  static void release_all() noexcept;
  friend struct frame_pool_cleaner;

  static thread_local list lists_[classes];
};

/// Gives a type's new and delete to the frame pool. For types that are allocated one by one, of a known size.
struct pooled {
  [[gnu::always_inline]] static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
  static void* operator new(std::size_t, void* where) noexcept { return where; }
  [[gnu::always_inline]] static void operator delete(void* address, std::size_t size) noexcept {
    frame_pool::deallocate(address, size);
  }
  static void operator delete(void*, void*) noexcept {}
};

namespace detail {

/// Takes its memory from the frame pool.
template <class T>
struct pool_allocator {
  using value_type = T;
  pool_allocator() = default;
  template <class U>
  pool_allocator(const pool_allocator<U>&) noexcept {}
  T* allocate(std::size_t n) { return static_cast<T*>(frame_pool::allocate(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) noexcept { frame_pool::deallocate(p, n * sizeof(T)); }
  friend bool operator==(pool_allocator, pool_allocator) noexcept { return true; }
};

}  // namespace detail

inline constinit thread_local frame_pool::list frame_pool::lists_[frame_pool::classes] = {};

}  // namespace braid
