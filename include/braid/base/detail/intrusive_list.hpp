#pragma once

#include <cstddef>

#include "braid/base/detail/assert.hpp"
#include "braid/base/pinned.hpp"

namespace braid::detail {

/// The links of an element of an intrusive_list: a base of the element's type.
class list_node : pinned {
 public:
  list_node() = default;
  [[nodiscard]] bool linked() const noexcept { return next_ != nullptr; }

  /// Removes the element from its list. Cost: O(1).
  void unlink() noexcept {
    BRAID_ASSERT(linked());
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = nullptr;
  }

 protected:
  ~list_node() { BRAID_ASSERT(!linked()); }

 private:
  template <class T>
  friend class intrusive_list;
  list_node* next_ = nullptr;  // null while in no list
  list_node* previous_ = nullptr;
};

/// A doubly linked list whose links are in its elements; any element can be removed in O(1).
///
/// Lifetime  a linked element keeps its address; the list owns nothing and must be empty when destroyed.
/// Cost      functions are O(1) unless they say otherwise; none allocates.
template <class T>
class intrusive_list : pinned {
 public:
  intrusive_list() noexcept { ends_.next_ = ends_.previous_ = &ends_; }
  ~intrusive_list() {
    BRAID_ASSERT(empty());
    ends_.next_ = nullptr;
  }

  [[nodiscard]] bool empty() const noexcept { return ends_.next_ == &ends_; }

  /// Both: the element must be in no list.
  void push_back(T& element) noexcept { insert(element, ends_); }
  void push_front(T& element) noexcept { insert(element, *ends_.next_); }

  /// Both: the list must not be empty.
  [[nodiscard]] T& front() noexcept { return static_cast<T&>(*ends_.next_); }
  [[nodiscard]] T& back() noexcept { return static_cast<T&>(*ends_.previous_); }

  /// Calls f(element) for each, from the front. f must not change the list. Cost: O(n).
  template <class F>
  void for_each(F f) {
    for (list_node* node = ends_.next_; node != &ends_; node = node->next_) f(static_cast<T&>(*node));
  }

  /// The first element for which f is true, or null. f must not change the list. Cost: O(n).
  template <class F>
  [[nodiscard]] T* find_if(F f) {
    for (list_node* node = ends_.next_; node != &ends_; node = node->next_)
      if (f(static_cast<T&>(*node))) return &static_cast<T&>(*node);
    return nullptr;
  }
  /// The last element for which f is true, or null. f must not change the list. Cost: O(n).
  template <class F>
  [[nodiscard]] T* find_last_if(F f) {
    for (list_node* node = ends_.previous_; node != &ends_; node = node->previous_)
      if (f(static_cast<T&>(*node))) return &static_cast<T&>(*node);
    return nullptr;
  }
  /// The number of elements, or most if there are more. Cost: O(most).
  [[nodiscard]] std::size_t size_up_to(std::size_t most) const noexcept {
    std::size_t found = 0;
    for (const list_node* node = ends_.next_; node != &ends_ && found < most; node = node->next_) ++found;
    return found;
  }

  /// Removes and returns the first element. The list must not be empty.
  T& pop_front() noexcept {
    T& taken = front();
    static_cast<list_node&>(taken).unlink();
    return taken;
  }

 private:
  static void insert(list_node& node, list_node& before) noexcept {
    BRAID_ASSERT(!node.linked());
    node.next_ = &before;
    node.previous_ = before.previous_;
    before.previous_->next_ = &node;
    before.previous_ = &node;
  }
  struct sentinel : list_node {};
  sentinel ends_;
};

}  // namespace braid::detail
