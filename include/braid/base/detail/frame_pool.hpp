#pragma once

#include <cstddef>
#include <new>

namespace braid::detail {

/// Memory for coroutine frames, boxes and shared states: each thread keeps a list of free blocks per size.
///
/// Each block is its own piece of the heap, so any thread may free it: the block then joins that thread's
/// free list. A list keeps at most kept_bytes; further blocks go back to the heap, and so does the whole pool
/// when its thread ends. Blocks aligned to 32 or 64 bytes have lists of their own; larger alignments, and
/// blocks over 2 MiB, come from the heap. In a program with AddressSanitizer nothing is recycled, so that a
/// use after free is found. The library decides that at run time, whatever flags a translation unit is
/// compiled with.
///
/// Threads  every function works on the calling thread's pool.
/// Cost     a hit is about 1 ns and takes no lock; a miss is one operator new.
/// Errors   allocate throws std::bad_alloc on a miss that the heap refuses.
class frame_pool {
 public:
  static constexpr std::size_t kept_bytes = std::size_t{4} << 20;  ///< per list
  static constexpr std::align_val_t usual_alignment{__STDCPP_DEFAULT_NEW_ALIGNMENT__};

  /// A block of at least size bytes.
  [[nodiscard, gnu::always_inline]] static void* allocate(std::size_t size,
                                                          std::align_val_t alignment = usual_alignment) {
    const std::size_t index = class_of(size, alignment);
    if (index >= classes || alignment > line) return from_heap(size, alignment);
    const bool aligned = alignment > usual_alignment;
    list& from = lists_[aligned][index];
    if (from.first == nullptr) [[unlikely]]
      return aligned ? refill_aligned(size, aligned_size_of(index)) : refill(size, size_of(index));
    block* taken = from.first;
    from.first = taken->next;
    ++from.room;
    return taken;
  }

  /// Takes back a block that allocate(size, alignment) returned on any thread.
  [[gnu::always_inline]] static void deallocate(void* address, std::size_t size,
                                                std::align_val_t alignment = usual_alignment) noexcept {
    const std::size_t index = class_of(size, alignment);
    if (index >= classes || alignment > line) return to_heap(address, alignment);
    const bool aligned = alignment > usual_alignment;
    list& to = lists_[aligned][index];
    if (to.room == 0) [[unlikely]]
      return aligned ? overflow_aligned(address, aligned_size_of(index)) : overflow(address, size);
    to.first = new (address) block{to.first};
    --to.room;
  }

  /// As deallocate with the usual alignment, for a thread that will allocate no such block: it goes back to
  /// the heap.
  static void discard(void* address) noexcept { ::operator delete(address); }

 private:
  struct block {
    block* next;
  };
  struct list {
    block* first;
    std::size_t room;  // how many more blocks fit; 0 until the thread's first miss, and once the thread ends
  };

  static constexpr std::align_val_t line{64};
  // 8, 24, 40 to 2056 bytes: glibc's heap gives such a block without padding. Aligned blocks have 32, 64 to
  // 2048 bytes.
  static constexpr std::size_t step = 16;
  static constexpr std::size_t largest_small = 2048;
  static constexpr std::size_t small_classes = largest_small / step + 1;
  static constexpr std::size_t steps = 8;  // above, up to 2 MiB: classes between two powers of two
  static constexpr std::size_t classes = small_classes + 10 * steps;

  static constexpr std::size_t class_of(std::size_t size) noexcept {
    if (size <= largest_small) [[likely]]
      return (size + step / 2 - 1) / step;
    const auto doublings = 63 - static_cast<std::size_t>(__builtin_clzll(size - 1)) - 11;
    return small_classes + doublings * steps + ((size - 1) >> (doublings + 8)) - steps;
  }
  static constexpr std::size_t class_of(std::size_t size, std::align_val_t alignment) noexcept {
    if (alignment <= usual_alignment) return class_of(size);
    const std::size_t unit = alignment > std::align_val_t{32} ? 64 : 32;
    return class_of((size + (size == 0) + unit - 1) / unit * unit);
  }
  static constexpr std::size_t size_of(std::size_t index) noexcept {
    if (index < small_classes) return index * step + step / 2;
    const std::size_t doublings = (index - small_classes) / steps;
    return ((index - small_classes) % steps + 1 + steps) << (doublings + 8);
  }
  static constexpr std::size_t aligned_size_of(std::size_t index) noexcept {
    return index < small_classes ? index * step : size_of(index);
  }

  static bool open() noexcept;
  [[gnu::cold, gnu::noinline, gnu::returns_nonnull]] static void* refill(std::size_t size,
                                                                         std::size_t of_class);
  [[gnu::cold, gnu::noinline, gnu::returns_nonnull]] static void* refill_aligned(std::size_t size,
                                                                                 std::size_t of_class);
  [[gnu::cold, gnu::noinline]] static void overflow(void* address, std::size_t size) noexcept;
  [[gnu::cold, gnu::noinline]] static void overflow_aligned(void* address, std::size_t of_class) noexcept;
  [[gnu::cold, gnu::noinline, gnu::returns_nonnull]] static void* from_heap(std::size_t size,
                                                                            std::align_val_t alignment);
  [[gnu::cold, gnu::noinline]] static void to_heap(void* address, std::align_val_t alignment) noexcept;
  static void release_all() noexcept;
  friend struct frame_pool_cleaner;

  // [0]: usual alignment. [1]: aligned to 64 if the block's size is a multiple of 64, else to 32.
  static thread_local list lists_[2][classes];
};

/// A base whose new and delete use the frame pool, for types that are allocated singly, never as arrays.
struct pooled {
  [[gnu::always_inline]] static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
  [[gnu::always_inline]] static void* operator new(std::size_t size, std::align_val_t alignment) {
    return frame_pool::allocate(size, alignment);
  }
  static void* operator new(std::size_t, void* where) noexcept { return where; }
  [[gnu::always_inline]] static void operator delete(void* address, std::size_t size) noexcept {
    frame_pool::deallocate(address, size);
  }
  [[gnu::always_inline]] static void operator delete(void* address, std::size_t size,
                                                     std::align_val_t alignment) noexcept {
    frame_pool::deallocate(address, size, alignment);
  }
  static void operator delete(void*, void*) noexcept {}
};

/// A base of promises that takes the coroutine frame from the frame pool. It has no placement form: a
/// coroutine with one pointer parameter would use that for its frame.
///
/// Compilers ask for a frame without naming its alignment. g++ rounds the size up to a multiple of it, so a
/// size that is a multiple of 32 or 64 gets a block of that alignment. clang names the alignment only with
/// -fcoro-aligned-allocation; see docs/compilers.md.
struct pooled_frame {
  [[gnu::always_inline]] static void* operator new(std::size_t size) {
    return frame_pool::allocate(size, alignment_of(size));
  }
  [[gnu::always_inline]] static void* operator new(std::size_t size, std::align_val_t alignment) {
    return frame_pool::allocate(size, alignment);
  }
  [[gnu::always_inline]] static void operator delete(void* address, std::size_t size) noexcept {
    frame_pool::deallocate(address, size, alignment_of(size));
  }
  [[gnu::always_inline]] static void operator delete(void* address, std::size_t size,
                                                     std::align_val_t alignment) noexcept {
    frame_pool::deallocate(address, size, alignment);
  }

 private:
  static constexpr std::align_val_t alignment_of([[maybe_unused]] std::size_t size) noexcept {
#ifdef __clang__
    return frame_pool::usual_alignment;
#else
    return size % 64 == 0   ? std::align_val_t{64}
           : size % 32 == 0 ? std::align_val_t{32}
                            : frame_pool::usual_alignment;
#endif
  }
};

/// A standard allocator over the frame pool.
template <class T>
struct pool_allocator {
  using value_type = T;
  pool_allocator() = default;
  template <class U>
  pool_allocator(const pool_allocator<U>&) noexcept {}
  T* allocate(std::size_t n) {
    return static_cast<T*>(frame_pool::allocate(n * sizeof(T), std::align_val_t{alignof(T)}));
  }
  void deallocate(T* p, std::size_t n) noexcept {
    frame_pool::deallocate(p, n * sizeof(T), std::align_val_t{alignof(T)});
  }
  friend bool operator==(pool_allocator, pool_allocator) noexcept { return true; }
};

inline constinit thread_local frame_pool::list frame_pool::lists_[2][frame_pool::classes] = {};

}  // namespace braid::detail
