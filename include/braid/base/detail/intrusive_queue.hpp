#pragma once

#include <cstddef>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/pinned.hpp"

namespace braid::detail {

/// A first-in-first-out queue whose links are its elements' own Next pointers.
///
/// Lifetime  a queued element keeps its address; the queue owns nothing.
/// Cost      16 bytes; functions are O(1) unless they say otherwise; none allocates.
template <class T, T* T::* Next>
class intrusive_queue {
 public:
  intrusive_queue() = default;
  intrusive_queue(intrusive_queue&& other) noexcept : first_(other.first_), last_(other.last_) {
    other.first_ = other.last_ = nullptr;
  }
  intrusive_queue& operator=(intrusive_queue&&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  /// The oldest element, or null.
  [[nodiscard]] T* front() const noexcept { return first_; }

  void push_back(T& element) noexcept {
    element.*Next = nullptr;
    if (first_ == nullptr)
      first_ = &element;
    else
      last_->*Next = &element;
    last_ = &element;
  }

  /// Adds the element in front of all others.
  void push_front(T& element) noexcept {
    element.*Next = first_;
    if (first_ == nullptr) last_ = &element;
    first_ = &element;
  }

  /// The queue must not be empty.
  T& pop_front() noexcept {
    T* taken = first_;
    BRAID_DEBUG_ASSERT(taken != nullptr);
    first_ = taken->*Next;
    return *taken;
  }

  /// Removes the element; false if it is not in the queue. Cost: O(n).
  bool remove(T& element) noexcept {
    T* previous = nullptr;
    for (T* each = first_; each != nullptr; previous = std::exchange(each, each->*Next)) {
      if (each != &element) continue;
      (previous == nullptr ? first_ : previous->*Next) = element.*Next;
      if (last_ == &element) last_ = previous;
      return true;
    }
    return false;
  }

  /// The number of elements, or most if there are more. Cost: O(most).
  [[nodiscard]] std::size_t size_up_to(std::size_t most) const noexcept {
    std::size_t found = 0;
    for (const T* each = first_; each != nullptr && found < most; each = each->*Next) ++found;
    return found;
  }
  /// Moves the element at index, which must exist, to the front. Cost: O(index).
  void bring_forward(std::size_t index) noexcept {
    if (index == 0) return;
    T* previous = first_;
    while (--index != 0) previous = previous->*Next;
    T* chosen = previous->*Next;
    previous->*Next = chosen->*Next;
    if (last_ == chosen) last_ = previous;
    push_front(*chosen);
  }

  /// Moves all of other's elements behind this queue's own.
  void append(intrusive_queue&& other) noexcept {
    if (other.empty()) return;
    if (empty())
      first_ = other.first_;
    else
      last_->*Next = other.first_;
    last_ = other.last_;
    other.first_ = nullptr;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;  // read only while first_ is set
};

}  // namespace braid::detail
