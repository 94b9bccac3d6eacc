#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/detail/lost_error.hpp"
#include "braid/base/detail/result_value.hpp"
#include "braid/base/error.hpp"
#include "braid/base/result_steps.hpp"

namespace braid {

/// The outcome of an operation: a T or an error. The interface is that of std::expected<T, error>; T may be a
/// reference. result_steps has and_then, transform, or_else and transform_error.
///
///     result<int> port = std::errc::invalid_argument;  // an error converts to a result, and so does a value
///     if (!port) port = 80;
///     use(*port);         // aborts if there is no value
///     use(port.value());  // throws the error if there is no value
///
///     const result<std::string> text = co_await as_result(read_file("/etc/hostname"));
///     log(text ? *text : text.error().message());
///
/// Errors  value() throws the error; operator* and operator-> abort if there is no value. If moving the value
///         throws, the exception becomes the new result's error. An exception of the value's destructor goes
///         to the loop's unhandled-error handler.
template <class T>
class [[nodiscard]] result : public result_steps<T> {
  static_assert(!std::is_same_v<std::remove_cvref_t<T>, braid::error>, "a result's value cannot be an error");
  using stored = detail::stored_in_result<T>;
  using reference = std::add_lvalue_reference_t<T>;
  using const_reference =
      std::conditional_t<std::is_object_v<T>, std::add_lvalue_reference_t<const T>, reference>;
  using rvalue_reference = std::add_rvalue_reference_t<T>;

 public:
  using value_type = T;
  using error_type = braid::error;

  /// Holds a value-initialised value.
  result() noexcept(std::is_nothrow_default_constructible_v<stored>)
    requires std::is_default_constructible_v<stored>
      : has_value_(true), value_() {}
  /// Holds the value.
  template <class U = T>
    requires(!std::is_same_v<std::remove_cvref_t<U>, result> &&
             !(is_result<std::remove_cvref_t<U>> && std::is_same_v<std::remove_cv_t<T>, bool>) &&
             !std::is_same_v<std::remove_cvref_t<U>, std::in_place_t> &&
             !std::is_same_v<std::remove_cvref_t<U>, braid::error> && detail::value_for<U, stored, result>)
  explicit(!std::is_convertible_v<U, T>) result(U&& value)
      : has_value_(true), value_(std::forward<U>(value)) {}
  /// Holds a value constructed from args.
  template <class... Args>
    requires std::is_constructible_v<stored, Args...>
  explicit result(std::in_place_t, Args&&... args) : has_value_(true), value_(std::forward<Args>(args)...) {}
  /// Holds the error.
  result(braid::error failure) noexcept : has_value_(false), error_(std::move(failure)) {}
  result(std::errc failure) noexcept
    requires(!std::is_constructible_v<T, std::errc>)
      : result(braid::error(failure)) {}
  result(errc failure) noexcept
    requires(!std::is_constructible_v<T, errc>)
      : result(braid::error(failure)) {}
  /// Holds the other result's error, or its value converted.
  template <detail::converts_to_result_of<T> R>
  explicit(!std::is_convertible_v<decltype(*std::declval<R>()), T>) result(R&& other)
      : has_value_(other.has_value()) {
    if (has_value_)
      std::construct_at(std::addressof(value_), *std::forward<R>(other));
    else
      std::construct_at(&error_, std::forward<R>(other).error());
  }

  result(const result& other) noexcept(std::is_nothrow_copy_constructible_v<stored>)
    requires std::is_copy_constructible_v<stored>
      : has_value_(other.has_value_) {
    construct(other);
  }
  /// Never throws: if moving the value throws, the exception becomes the new result's error.
  result(result&& other) noexcept
    requires std::is_move_constructible_v<stored>
      : has_value_(other.has_value_) {
    if constexpr (detail::moves_without_throwing<stored>)
      construct(std::move(other));
    else
      try_construct(std::move(other));
  }
  result& operator=(const result& other)
    requires std::is_copy_constructible_v<stored>
  {
    return *this = result(other);
  }
  result& operator=(result&& other) noexcept
    requires std::is_move_constructible_v<stored>
  {
    if (this == &other) return *this;
    if (has_value_ && other.has_value_ && std::is_nothrow_move_assignable_v<stored>) {
      assign_value(std::move(other));
      return *this;
    }
    std::destroy_at(this);
    return *std::construct_at(this, std::move(other));
  }
  /// Replaces the content by a value constructed from args. If the construction throws, the content stays.
  template <class... Args>
    requires std::is_constructible_v<stored, Args...>
  reference emplace(Args&&... args) noexcept(std::is_nothrow_constructible_v<stored, Args...>) {
    if constexpr (std::is_nothrow_constructible_v<stored, Args...>) {
      std::destroy_at(this);
      std::construct_at(this, std::in_place, std::forward<Args>(args)...);
    } else {
      *this = result(std::in_place, std::forward<Args>(args)...);
      checked();  // moving it there may have failed
    }
    return **this;
  }
  ~result() noexcept {
    if (has_value_)
      detail::end_value(value_);
    else
      std::destroy_at(&error_);
  }

  /// Is it a value? So asks `if (result)`.
  [[nodiscard]] bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }

  /// The value. Throws the error if there is none.
  reference value() & { return checked(), **this; }
  const_reference value() const& { return checked(), **this; }
  rvalue_reference value() && { return checked(), *std::move(*this); }

  /// The value. Aborts if there is none.
  reference operator*() & noexcept { return get(*this); }
  const_reference operator*() const& noexcept { return get(*this); }
  rvalue_reference operator*() && noexcept { return static_cast<rvalue_reference>(get(*this)); }
  auto* operator->() noexcept { return std::addressof(get(*this)); }
  const auto* operator->() const noexcept { return std::addressof(get(*this)); }

  /// The error. Aborts if there is none.
  [[nodiscard]] braid::error& error() & noexcept { return failed(), error_; }
  [[nodiscard]] const braid::error& error() const& noexcept { return failed(), error_; }
  [[nodiscard]] braid::error&& error() && noexcept { return failed(), std::move(error_); }

  /// The value, or other if there is none.
  template <class U>
  [[nodiscard]] std::remove_cvref_t<T> value_or(U&& other) const& {
    return has_value_ ? get(*this) : static_cast<std::remove_cvref_t<T>>(std::forward<U>(other));
  }
  template <class U>
  [[nodiscard]] std::remove_cvref_t<T> value_or(U&& other) && {
    return has_value_ ? static_cast<T&&>(get(*this))
                      : static_cast<std::remove_cvref_t<T>>(std::forward<U>(other));
  }
  /// The error, or other if there is none.
  template <class E>
  [[nodiscard]] braid::error error_or(E&& other) const& {
    return has_value_ ? static_cast<braid::error>(std::forward<E>(other)) : error_;
  }
  template <class E>
  [[nodiscard]] braid::error error_or(E&& other) && {
    return has_value_ ? static_cast<braid::error>(std::forward<E>(other)) : std::move(error_);
  }

 private:
  template <class Self>
  static decltype(auto) get(Self& self) noexcept {
    if (!self.has_value_) [[unlikely]]
      self.error_.misused_as_value();
    if constexpr (std::is_reference_v<T>)
      return (*self.value_.at);
    else if constexpr (!std::is_void_v<T>)
      return (self.value_);
  }
  template <class Other>
  void construct(Other&& other) {
    if (has_value_)
      std::construct_at(std::addressof(value_), std::forward<Other>(other).value_);
    else
      std::construct_at(&error_, std::forward<Other>(other).error_);
  }
  void try_construct(result&& other) noexcept {
    try {
      construct(std::move(other));
    } catch (...) {
      has_value_ = false;
      std::construct_at(&error_, braid::error::current());
    }
  }
  void assign_value(result&& other) {
    if constexpr (std::is_move_assignable_v<stored>) value_ = std::move(other.value_);
  }
  void checked() const {
    if (!has_value_) [[unlikely]]
      error_.rethrow();
  }
  void failed() const noexcept {
    if (has_value_) [[unlikely]]
      detail::misused("result::error: it holds a value; ask has_value() first");
  }

  bool has_value_;
  union {
    stored value_;
    braid::error error_;
  };
};

/// Two results are equal if both hold values that are equal, or both hold errors with equal codes.
template <class T, class U>
  requires(!std::is_same_v<result<U>, T> && !std::is_same_v<result<T>, U>) &&
          ((std::is_void_v<T> && std::is_void_v<U>) ||
           requires(const result<T>& left, const result<U>& right) {
             { *left == *right } -> std::convertible_to<bool>;
           })
[[nodiscard]] bool operator==(const result<T>& left, const result<U>& right) {
  if (!left || !right) return !left && !right && left.error() == right.error();
  if constexpr (std::is_void_v<T>)
    return true;
  else
    return *left == *right;
}
/// A result equals a value if it holds an equal value.
template <class T, class V>
  requires(!is_result<V> || std::is_same_v<V, T>) && (!detail::failure_of<V, T>) &&
          requires(const result<T>& left, const V& right) {
            { *left == right } -> std::convertible_to<bool>;
          }
[[nodiscard]] bool operator==(const result<T>& left, const V& right) {
  return left && *left == right;
}
/// A result equals an error or a code if it failed with that code.
template <class T, detail::failure_of<T> E>
[[nodiscard]] bool operator==(const result<T>& left, const E& right) noexcept {
  return !left && left.error() == right;
}

/// Calls f(args...) and returns its value, or the exception that it throws, as a result.
///
///     const result<int> port = capture([] { return std::stoi("x"); });  // holds a std::invalid_argument
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
