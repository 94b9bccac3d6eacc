#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/lost_error.hpp"

namespace braid::detail {

// A T in a block of its own, so that it can be moved without throwing even if a T cannot. Empty after a move.
//
// Cost  one block of the frame pool.
template <class T>
class boxed {
  struct node : pooled {
    template <class U>
    explicit node(U&& from) : value(std::forward<U>(from)) {}
    ~node() { end_value(value); }
    union {
      T value;
    };
  };

 public:
  template <class U>
    requires(!std::same_as<std::remove_cvref_t<U>, boxed>)
  explicit boxed(U&& from) : node_(std::make_unique<node>(std::forward<U>(from))) {}

  [[nodiscard]] T& operator*() const noexcept { return node_->value; }

 private:
  std::unique_ptr<node> node_;
};

// The type that a queue stores for a T: the T itself, or a box with it if moving a T may throw or T is const.
template <class T>
using nothrow_movable =
    std::conditional_t<std::is_nothrow_move_constructible_v<T> && !std::is_const_v<T>, T, boxed<T>>;

template <class T>
[[nodiscard]] T& unboxed(T& value) noexcept {
  return value;
}
template <class T>
[[nodiscard]] T& unboxed(boxed<T>& value) noexcept {
  return *value;
}
template <class T>
[[nodiscard]] const T& unboxed(const boxed<T>& value) noexcept {
  return *value;
}

}  // namespace braid::detail
