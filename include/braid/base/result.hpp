#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "braid/base/assert.hpp"
#include "braid/base/error.hpp"

namespace braid {

template <class T>
class result;

/// Is T a result of something?
template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

/// How an operation ended: a T or an error. The interface of std::expected<T, error>; T may be a reference.
///
/// Errors  value() throws the error; operator* and operator-> assert that there is a value.
template <class T>
class [[nodiscard]] result {
  static_assert(!std::is_same_v<std::remove_cvref_t<T>, braid::error>, "a result's value cannot be an error");
  using stored = std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, std::remove_cv_t<T>>;
  using reference = std::add_lvalue_reference_t<T>;
  using const_reference =
      std::conditional_t<std::is_reference_v<T>, T, std::add_lvalue_reference_t<const std::remove_reference_t<T>>>;

 public:
  using value_type = T;
  using error_type = braid::error;

  /// A value, value-initialised.
  result()
    requires std::is_default_constructible_v<stored> && (!std::is_reference_v<T>)
      : has_value_(true), value_() {}
  template <class U = T>
    requires(!std::is_same_v<std::remove_cvref_t<U>, result> &&
             !(is_result<std::remove_cvref_t<U>> && std::is_same_v<std::remove_cv_t<T>, bool>) &&
             !std::is_same_v<std::remove_cvref_t<U>, std::in_place_t> &&
             !std::is_same_v<std::remove_cvref_t<U>, braid::error> && std::is_constructible_v<T, U &&>)
  explicit(!std::is_convertible_v<U&&, T>) result(U&& value) : has_value_(true), value_(store(std::forward<U>(value))) {}
  template <class... Args>
  explicit result(std::in_place_t, Args&&... args) : has_value_(true), value_(std::forward<Args>(args)...) {}
  result(braid::error failure) noexcept : has_value_(false), error_(std::move(failure)) {}
  result(std::errc failure) noexcept
    requires(!std::is_constructible_v<T, std::errc>)
      : result(braid::error(failure)) {}
  result(errc failure) noexcept
    requires(!std::is_constructible_v<T, errc>)
      : result(braid::error(failure)) {}

  result(const result& other)
    requires std::is_copy_constructible_v<stored>
      : has_value_(other.has_value_) {
    construct(other);
  }
  result(result&& other) noexcept(std::is_nothrow_move_constructible_v<stored>) : has_value_(other.has_value_) {
    construct(std::move(other));
  }
  result& operator=(const result& other)
    requires std::is_copy_constructible_v<stored>
  {
    return *this = result(other);
  }
  result& operator=(result&& other) noexcept(std::is_nothrow_move_constructible_v<stored>) {
    if (this == &other) return *this;
    if (has_value_ && other.has_value_ && std::is_move_assignable_v<stored>) {
      assign_value(std::move(other));
      return *this;
    }
    std::destroy_at(this);
    static_assert(std::is_nothrow_move_constructible_v<stored>, "what a result assigns must not throw when moved");
    return *std::construct_at(this, std::move(other));
  }
  ~result() {
    if (has_value_)
      std::destroy_at(&value_);
    else
      std::destroy_at(&error_);
  }

  [[nodiscard]] bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }

  /// The value, or the error thrown.
  reference value() & { return checked(), **this; }
  const_reference value() const& { return checked(), **this; }
  T&& value() && { return checked(), *std::move(*this); }

  /// The value, which must be there.
  reference operator*() & noexcept { return get(*this); }
  const_reference operator*() const& noexcept { return get(*this); }
  T&& operator*() && noexcept { return static_cast<T&&>(get(*this)); }
  auto* operator->() noexcept { return std::addressof(get(*this)); }
  const auto* operator->() const noexcept { return std::addressof(get(*this)); }

  /// The error, which must be there.
  [[nodiscard]] braid::error& error() & noexcept { return failed(), error_; }
  [[nodiscard]] const braid::error& error() const& noexcept { return failed(), error_; }
  [[nodiscard]] braid::error&& error() && noexcept { return failed(), std::move(error_); }

  /// The value, or other in its place.
  template <class U>
  [[nodiscard]] std::remove_cvref_t<T> value_or(U&& other) const& {
    return has_value_ ? get(*this) : static_cast<std::remove_cvref_t<T>>(std::forward<U>(other));
  }
  template <class U>
  [[nodiscard]] std::remove_cvref_t<T> value_or(U&& other) && {
    return has_value_ ? static_cast<T&&>(get(*this)) : static_cast<std::remove_cvref_t<T>>(std::forward<U>(other));
  }

  /// f(value) gives the next result; an error passes by.
  template <class F>
  auto and_then(F&& f) && {
    using next = std::remove_cvref_t<std::invoke_result_t<F, T&&>>;
    return has_value_ ? std::invoke(std::forward<F>(f), *std::move(*this)) : next(std::move(error_));
  }
  /// f(value) gives the next value; an error passes by.
  template <class F>
  auto transform(F&& f) && {
    using next = result<std::invoke_result_t<F, T&&>>;
    if (!has_value_) return next(std::move(error_));
    if constexpr (std::is_void_v<typename next::value_type>) {
      std::invoke(std::forward<F>(f), *std::move(*this));
      return next();
    } else {
      return next(std::invoke(std::forward<F>(f), *std::move(*this)));
    }
  }
  /// f(error) gives another result; a value passes by.
  template <class F>
  result or_else(F&& f) && {
    return has_value_ ? std::move(*this) : std::invoke(std::forward<F>(f), std::move(error_));
  }

  friend bool operator==(const result& left, const result& right)
    requires requires(const_reference v) { v == v; }
  {
    if (left.has_value_ != right.has_value_) return false;
    return left.has_value_ ? *left == *right : left.error_ == right.error_;
  }

 private:
  template <class U>
  static decltype(auto) store(U&& value) {
    if constexpr (std::is_reference_v<T>)
      return std::addressof(value);
    else
      return std::forward<U>(value);
  }
  template <class Self>
  static decltype(auto) get(Self& self) noexcept {
    BRAID_ASSERT(self.has_value_);
    if constexpr (std::is_reference_v<T>)
      return (*self.value_);
    else
      return (self.value_);
  }
  template <class Other>
  void construct(Other&& other) {
    if (has_value_)
      std::construct_at(&value_, std::forward<Other>(other).value_);
    else
      std::construct_at(&error_, std::forward<Other>(other).error_);
  }
  void assign_value(result&& other) {
    if constexpr (std::is_move_assignable_v<stored>) value_ = std::move(other.value_);
  }
  void checked() const {
    if (!has_value_) [[unlikely]]
      error_.rethrow();
  }
  void failed() const noexcept { BRAID_ASSERT(!has_value_); }

  bool has_value_;
  union {
    stored value_;
    braid::error error_;
  };
};

/// A result without a value: the operation ended well, or with an error.
template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;
  using error_type = braid::error;

  result() noexcept : has_value_(true) {}
  explicit result(std::in_place_t) noexcept : result() {}
  result(braid::error failure) noexcept : has_value_(false), error_(std::move(failure)) {}
  result(std::errc failure) noexcept : result(braid::error(failure)) {}
  result(errc failure) noexcept : result(braid::error(failure)) {}
  result(const result& other) noexcept : has_value_(other.has_value_) {
    if (!has_value_) std::construct_at(&error_, other.error_);
  }
  result(result&& other) noexcept : has_value_(other.has_value_) {
    if (!has_value_) std::construct_at(&error_, std::move(other.error_));
  }
  result& operator=(result other) noexcept {
    std::destroy_at(this);
    return *std::construct_at(this, std::move(other));
  }
  ~result() {
    if (!has_value_) std::destroy_at(&error_);
  }

  [[nodiscard]] bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }
  /// Throws the error, if there is one.
  void value() const {
    if (!has_value_) [[unlikely]]
      error_.rethrow();
  }
  void operator*() const noexcept { BRAID_ASSERT(has_value_); }
  [[nodiscard]] braid::error& error() & noexcept { return failed(), error_; }
  [[nodiscard]] const braid::error& error() const& noexcept { return failed(), error_; }
  [[nodiscard]] braid::error&& error() && noexcept { return failed(), std::move(error_); }

  /// As those of result<T>, with f taking no value.
  template <class F>
  auto and_then(F&& f) && {
    using next = std::remove_cvref_t<std::invoke_result_t<F>>;
    return has_value_ ? std::invoke(std::forward<F>(f)) : next(std::move(error_));
  }
  template <class F>
  auto transform(F&& f) && {
    using next = result<std::invoke_result_t<F>>;
    if (!has_value_) return next(std::move(error_));
    if constexpr (std::is_void_v<typename next::value_type>) {
      std::invoke(std::forward<F>(f));
      return next();
    } else {
      return next(std::invoke(std::forward<F>(f)));
    }
  }
  template <class F>
  result or_else(F&& f) && {
    return has_value_ ? result() : std::invoke(std::forward<F>(f), std::move(error_));
  }

  friend bool operator==(const result& left, const result& right) noexcept {
    return left.has_value_ == right.has_value_ && (left.has_value_ || left.error_ == right.error_);
  }

 private:
  void failed() const noexcept { BRAID_ASSERT(!has_value_); }

  bool has_value_;
  union {
    braid::error error_;
  };
};

/// Runs f(args...) and keeps what it returns, or throws, in a result.
template <class F, class... Args>
auto capture(F&& f, Args&&... args) noexcept {
  using value = std::invoke_result_t<F, Args...>;
  try {
    if constexpr (std::is_void_v<value>) {
      std::invoke(std::forward<F>(f), std::forward<Args>(args)...);
      return result<void>();
    } else {
      return result<value>(std::invoke(std::forward<F>(f), std::forward<Args>(args)...));
    }
  } catch (...) {
    return result<value>(error::current());
  }
}

}  // namespace braid
