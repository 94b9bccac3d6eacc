#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/detail/frame_pool.hpp"

namespace braid {

template <class Signature>
class unique_function;

/// A callable that can be moved but not copied, and may be empty.
///
///     unique_function<int(int)> add = [base = std::make_unique<int>(40)](int n) { return *base + n; };
///     use(add(2));
///
/// Cost  up to 24 bytes of captures stay in place if moving them cannot throw; others get a block of the
///       frame pool.
template <class R, class... Args>
class unique_function<R(Args...)> {
 public:
  unique_function() = default;

  /// Holds f.
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, unique_function> &&
             std::is_invocable_r_v<R, F&, Args...>)
  unique_function(F&& f) {
    using held = std::decay_t<F>;
    if constexpr (fits<held>) {
      new (&room_) held(std::forward<F>(f));
    } else {
      auto* where =
          static_cast<held*>(detail::frame_pool::allocate(sizeof(held), std::align_val_t{alignof(held)}));
      try {
        new (where) held(std::forward<F>(f));
      } catch (...) {
        detail::frame_pool::deallocate(where, sizeof(held), std::align_val_t{alignof(held)});
        throw;
      }
      new (&room_)(held*)(where);
    }
    does_ = &actions<held>;
  }

  unique_function(unique_function&& other) noexcept : does_(std::exchange(other.does_, nullptr)) {
    if (does_ != nullptr) does_->move(&room_, &other.room_);
  }
  unique_function& operator=(unique_function&& other) noexcept {
    if (this != &other) {
      this->~unique_function();
      new (this) unique_function(std::move(other));
    }
    return *this;
  }
  ~unique_function() {
    if (does_ != nullptr) does_->destroy(&room_);
  }

  explicit operator bool() const noexcept { return does_ != nullptr; }

  /// Aborts if the function is empty.
  R operator()(Args... args) {
    if (does_ == nullptr) [[unlikely]]
      detail::misused("an empty function was called: it was never set, or was moved from");
    return does_->call(&room_, std::forward<Args>(args)...);
  }

 private:
  static constexpr std::size_t room_bytes = 24;
  struct action_table {
    R (*call)(void*, Args&&...);
    void (*move)(void* to, void* from) noexcept;  // ends the object at from
    void (*destroy)(void*) noexcept;
  };

  template <class F>
  static constexpr bool fits =
      sizeof(F) <= room_bytes && alignof(F) <= alignof(void*) && std::is_nothrow_move_constructible_v<F>;

  template <class F>
  static F& held_at(void* room) noexcept {
    if constexpr (fits<F>)
      return *static_cast<F*>(room);
    else
      return **static_cast<F**>(room);
  }

  template <class F>
  static constexpr action_table actions{
      [](void* room, Args&&... args) -> R { return held_at<F>(room)(std::forward<Args>(args)...); },
      [](void* to, void* from) noexcept {
        if constexpr (fits<F>) {
          new (to) F(std::move(held_at<F>(from)));
          held_at<F>(from).~F();
        } else {
          new (to)(F*)(*static_cast<F**>(from));
        }
      },
      [](void* room) noexcept {
        F& held = held_at<F>(room);
        std::destroy_at(&held);
        if constexpr (!fits<F>)
          detail::frame_pool::deallocate(&held, sizeof(F), std::align_val_t{alignof(F)});
      }};

  const action_table* does_ = nullptr;
  alignas(void*) std::byte room_[room_bytes];
};

}  // namespace braid
