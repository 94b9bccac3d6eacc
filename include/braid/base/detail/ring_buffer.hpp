#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/pinned.hpp"

namespace braid::detail {

/// A double-ended queue in one block of memory that doubles when full and never shrinks: in the steady state
/// it allocates nothing.
///
/// Errors  push throws std::bad_alloc if it cannot grow, or the exception of T's constructor; the elements
///         are unchanged then.
/// Cost    O(1), amortised over growth. No memory before the first element.
template <class T>
class ring_buffer : pinned {
  static_assert(std::is_nothrow_move_constructible_v<T>, "a ring_buffer moves its elements as it grows");

 public:
  ring_buffer() = default;
  ~ring_buffer() {
    clear();
    if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, room());
  }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// The i-th element from the front; i must be less than size().
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return slots_[(first_ + i) & mask_]; }

  template <class U>
  void push_back(U&& value) {
    if (size_ == room()) grow();
    ::new (slot((first_ + size_) & mask_)) T(std::forward<U>(value));
    ++size_;
  }
  template <class U>
  void push_front(U&& value) {
    if (size_ == room()) grow();
    ::new (slot((first_ - 1) & mask_)) T(std::forward<U>(value));
    first_ = (first_ - 1) & mask_;
    ++size_;
  }
  /// The queue must not be empty.
  T pop_front() noexcept {
    BRAID_ASSERT(size_ != 0);
    T taken = std::move(slots_[first_]);
    drop_front();
    return taken;
  }
  /// Removes the first element without returning it.
  void drop_front() noexcept {
    BRAID_ASSERT(size_ != 0);
    slots_[first_].~T();
    first_ = (first_ + 1) & mask_;
    --size_;
  }
  void clear() noexcept {
    while (size_ != 0) drop_front();
  }

 private:
  [[nodiscard]] std::size_t room() const noexcept { return slots_ == nullptr ? 0 : mask_ + 1; }

  [[nodiscard]] void* slot(std::size_t i) const noexcept { return slots_ + i; }

  [[gnu::cold, gnu::noinline]] void grow() {
    const std::size_t more = slots_ == nullptr ? 8 : 2 * room();
    T* const larger = std::allocator<T>().allocate(more);
    for (std::size_t i = 0; i < size_; ++i) {
      ::new (static_cast<void*>(larger + i)) T(std::move((*this)[i]));
      (*this)[i].~T();
    }
    if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, room());
    slots_ = larger;
    mask_ = more - 1;
    first_ = 0;
  }

  T* slots_ = nullptr;  // mask_ + 1 slots, a power of two
  std::size_t mask_ = 0;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace braid::detail
