#pragma once

#include <array>
#include <cstddef>

#include "braid/loop/io_operation.hpp"

namespace braid::detail {

/// The operations that a reactor has in flight, listed by their descriptor's number. Numbers that differ by a
/// multiple of the table's size share a list.
///
/// Lifetime  an operation is removed before it finishes.
/// Cost      add and remove are O(1), eight instructions each; nothing is allocated, so nothing can fail.
class operations_of : pinned {
 public:
  [[gnu::always_inline]] void add(io_operation& operation, int number) noexcept {
    operation_base*& head = head_of(number);
    operation_base* const second = head;
    if (second != nullptr) static_cast<io_operation*>(second)->before_ = &operation.next_;
    operation.next_ = second;
    operation.before_ = &head;
    head = &operation;
  }
  [[gnu::always_inline]] static void remove(io_operation& operation) noexcept {
    operation_base* const next = operation.next_;
    *operation.before_ = next;
    if (next != nullptr) static_cast<io_operation*>(next)->before_ = operation.before_;
  }

  /// Calls f(operation) for each operation in the number's list, which may hold other numbers too. f may
  /// remove that operation.
  template <class F>
  void for_each_near(int number, F f) {
    for_each_in(head_of(number), f);
  }
  /// Calls f(operation) for all operations.
  template <class F>
  void for_each(F f) {
    for (operation_base*& head : heads_) for_each_in(head, f);
  }

 private:
  static constexpr std::size_t size = 2048;  // lists, in 16 KiB
  [[nodiscard]] operation_base*& head_of(int number) noexcept {
    return heads_[static_cast<unsigned>(number) % size];
  }
  template <class F>
  static void for_each_in(operation_base* first, F& f) {
    while (first != nullptr) {
      operation_base* const next = first->next_;
      f(static_cast<io_operation&>(*first));
      first = next;
    }
  }

  std::array<operation_base*, size> heads_{};
};

}  // namespace braid::detail
