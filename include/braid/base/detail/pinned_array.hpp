#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/pinned.hpp"

namespace braid::detail {

// Immovable objects in one block of the frame pool.
template <class T>
class pinned_array : pinned {
 public:
  // make(index) returns each element.
  template <class Make>
  pinned_array(std::size_t size, Make make)
      : elements_(size == 0 ? nullptr : pool_allocator<T>().allocate(size)), capacity_(size) {
    try {
      for (; size_ < capacity_; ++size_) new (elements_ + size_) T(make(size_));
    } catch (...) {
      clear();
      throw;
    }
  }
  ~pinned_array() { clear(); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](std::size_t index) noexcept { return elements_[index]; }
  [[nodiscard]] T* begin() noexcept { return elements_; }
  [[nodiscard]] T* end() noexcept { return elements_ + size_; }

 private:
  void clear() noexcept {
    std::destroy_n(elements_, size_);
    if (elements_ != nullptr) pool_allocator<T>().deallocate(elements_, capacity_);
  }
  T* const elements_;
  const std::size_t capacity_;
  std::size_t size_ = 0;
};

}  // namespace braid::detail
