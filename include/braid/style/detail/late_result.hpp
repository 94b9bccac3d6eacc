#pragma once

#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "braid/base/result.hpp"

namespace braid::detail {

// Room for a result that arrives later. One byte says what it holds: nothing, a value or an error. While that
// is nothing, the room can keep a pointer, such as the coroutine that will give the result.
template <class T>
class late_result {
  using stored = std::conditional_t<
      std::is_void_v<T>, char,
      std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, std::remove_cv_t<T>>>;
  static constexpr bool moves = std::is_void_v<T> || moves_without_throwing<stored>;
  enum class holds : unsigned char { nothing, value, failure };

 public:
  // True if the destructor has nothing to do once the result was taken.
  static constexpr bool is_spent_once_taken = std::is_trivially_destructible_v<stored>;

  late_result() noexcept {}
  late_result(const late_result&) = delete;
  late_result& operator=(const late_result&) = delete;
  ~late_result() noexcept { end(); }

  [[nodiscard]] bool empty() const noexcept { return holds_ == holds::nothing; }
  [[nodiscard]] bool has_failed() const noexcept { return holds_ == holds::failure; }

  void keep_pointer(void* to) noexcept { pointer_ = to; }
  /// While it is empty: the pointer kept.
  [[nodiscard]] void* pointer() const noexcept { return pointer_; }

  void set(result<T>&& ended) noexcept {
    if (!ended) [[unlikely]]
      return set_error(std::move(ended).error());
    if constexpr (std::is_void_v<T>)
      holds_ = holds::value;
    else if constexpr (moves)
      set_value(*std::move(ended));
    else
      try_set_value(*std::move(ended));
  }
  template <class... U>
  void set_value(U&&... value) {
    if constexpr (std::is_reference_v<T>)
      std::construct_at(&value_, std::addressof(value)...);
    else if constexpr (!std::is_void_v<T>)
      ::new (static_cast<void*>(std::addressof(value_))) stored(std::forward<U>(value)...);
    holds_ = holds::value;
  }
  void set_error(error failure) noexcept {
    end();  // a coroutine's locals may throw from their destructors after co_return
    new (&error_) error(std::move(failure));
    holds_ = holds::failure;
  }

  /// The value. Throws the error if there is one.
  T value() && {
    if (holds_ == holds::failure) [[unlikely]]
      error_.rethrow();
    BRAID_ASSERT(holds_ == holds::value);
    if constexpr (std::is_reference_v<T>)
      return static_cast<T>(*value_);
    else if constexpr (!std::is_void_v<T>)
      return std::move(value_);
  }
  [[nodiscard]] result<T> take() && noexcept {
    if (holds_ == holds::failure) [[unlikely]]
      return std::move(error_);
    BRAID_ASSERT(holds_ == holds::value);
    if constexpr (std::is_void_v<T>)
      return {};
    else if constexpr (std::is_reference_v<T>)
      return result<T>(std::in_place, static_cast<T>(*value_));
    else if constexpr (moves)
      return result<T>(std::in_place, std::move(value_));
    else
      return capture([this]() -> T { return std::move(value_); });
  }

 private:
  template <class U>
  void try_set_value(U&& value) noexcept {
    try {
      set_value(std::forward<U>(value));
    } catch (...) {
      set_error(error::current());
    }
  }
  void end() noexcept {
    if (holds_ == holds::failure) [[unlikely]]
      error_.~error();
    else if constexpr (!std::is_trivially_destructible_v<stored>)
      if (holds_ == holds::value) end_value(value_);
  }

  holds holds_ = holds::nothing;
  union {
    void* pointer_;
    stored value_;
    error error_;
  };
};

}  // namespace braid::detail
