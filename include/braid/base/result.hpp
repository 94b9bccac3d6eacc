#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/detail/lost_error.hpp"
#include "braid/base/error.hpp"
#include "braid/base/result_steps.hpp"

namespace braid {

namespace detail {

// What a result keeps where T is a reference. Assigned, it refers to another object.
template <class T>
struct referred {
  template <class U>
    requires std::is_convertible_v<std::remove_reference_t<U>*, std::remove_reference_t<T>*> &&
             std::is_constructible_v<T, U> &&
             (std::is_lvalue_reference_v<U> ||
              std::is_rvalue_reference_v<T>)  // never to what is about to end
  explicit referred(U&& to) noexcept : at(std::addressof(to)) {}
  std::remove_reference_t<T>* at;
};
// What it keeps where T is void.
struct no_value {};

template <class T>
using stored_in_result =
    std::conditional_t<std::is_void_v<T>, no_value,
                       std::conditional_t<std::is_reference_v<T>, referred<T>, std::remove_cv_t<T>>>;

// Whatever its destructor may throw, which std::is_nothrow_move_constructible asks about as well.
template <class T>
inline constexpr bool moves_without_throwing =
    requires(void* room, T&& from) { requires noexcept(::new (room) T(std::move(from))); };

template <class T, class Whole>
inline constexpr bool made_of_whole =
    std::is_constructible_v<T, Whole> || std::is_constructible_v<T, Whole&> ||
    std::is_constructible_v<T, const Whole&>;

// Is X a template's instance of R, as a std::tuple of R is, and what that is made of? Such an X is no value
// of R, even where R's T can be made of anything: to ask whether it is copied would be to ask the same of R.
template <class X, class R>
inline constexpr bool is_made_of = false;
template <template <class...> class X, class... A, class R>
inline constexpr bool is_made_of<X<A...>, R> = (std::is_same_v<A, R> || ...);
template <template <std::size_t, class...> class X, std::size_t I, class... A, class R>
inline constexpr bool is_made_of<X<I, A...>, R> = (std::is_same_v<A, R> || ...);
template <template <std::size_t, class, bool> class X, std::size_t I, class A, bool Empty, class R>
inline constexpr bool is_made_of<X<I, A, Empty>, R> = std::is_same_v<A, R>;

// May a stored value of R be made of a U?
template <class U, class Stored, class R>
concept value_for = std::is_same_v<U, Stored> ||
                    (!is_made_of<std::remove_cvref_t<U>, R> && std::is_constructible_v<Stored, U>);

// May a result<T> take over what the result R holds? Not where a T can be made of the whole of R, which is
// meant then; nor is a reference taken to a value that another result keeps.
template <class R, class T>
concept converts_to_result_of =
    is_result<std::remove_cvref_t<R>> && !std::is_same_v<std::remove_cvref_t<R>, result<T>> &&
    (std::is_same_v<std::remove_cv_t<T>, bool> || !made_of_whole<T, std::remove_cvref_t<R>>) &&
    (!std::is_reference_v<T> || std::is_reference_v<typename std::remove_cvref_t<R>::value_type>) &&
    std::is_constructible_v<stored_in_result<T>, decltype(*std::declval<R>())>;

// Compared with E, is a result<T> asked for its error? Not where E is a T's value just as well.
template <class E, class T>
concept failure_of =
    std::is_same_v<E, error> ||
    ((std::is_same_v<E, std::errc> || std::is_same_v<E, errc> || std::is_same_v<E, std::error_code>) &&
     !std::is_convertible_v<E, T>);

}  // namespace detail

/// How an operation ended: a T or an error. The interface of std::expected<T, error>; T may be a reference.
/// The steps to the next one (and_then, transform, or_else, transform_error) are those of result_steps.
///
/// Errors  value() throws the error; operator* and operator-> assert that there is a value. What a value's
///         move throws as a result is moved becomes the new one's error; what its destructor throws goes to
///         the loop's unhandled-error handler.
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

  /// A value, value-initialised.
  result() noexcept(std::is_nothrow_default_constructible_v<stored>)
    requires std::is_default_constructible_v<stored>
      : has_value_(true), value_() {}
  template <class U = T>
    requires(!std::is_same_v<std::remove_cvref_t<U>, result> &&
             !(is_result<std::remove_cvref_t<U>> && std::is_same_v<std::remove_cv_t<T>, bool>) &&
             !std::is_same_v<std::remove_cvref_t<U>, std::in_place_t> &&
             !std::is_same_v<std::remove_cvref_t<U>, braid::error> && detail::value_for<U, stored, result>)
  explicit(!std::is_convertible_v<U, T>) result(U&& value)
      : has_value_(true), value_(std::forward<U>(value)) {}
  template <class... Args>
    requires std::is_constructible_v<stored, Args...>
  explicit result(std::in_place_t, Args&&... args) : has_value_(true), value_(std::forward<Args>(args)...) {}
  result(braid::error failure) noexcept : has_value_(false), error_(std::move(failure)) {}
  result(std::errc failure) noexcept
    requires(!std::is_constructible_v<T, std::errc>)
      : result(braid::error(failure)) {}
  result(errc failure) noexcept
    requires(!std::is_constructible_v<T, errc>)
      : result(braid::error(failure)) {}
  /// What another result holds, its value converted.
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
  /// Never throws: what the value's move throws becomes the error of the result that is made.
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
  /// A value made of args in place of what was held. What throws on the way leaves that as it is.
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

  [[nodiscard]] bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }

  /// The value, or the error thrown.
  reference value() & { return checked(), **this; }
  const_reference value() const& { return checked(), **this; }
  rvalue_reference value() && { return checked(), *std::move(*this); }

  /// The value, which must be there.
  reference operator*() & noexcept { return get(*this); }
  const_reference operator*() const& noexcept { return get(*this); }
  rvalue_reference operator*() && noexcept { return static_cast<rvalue_reference>(get(*this)); }
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
    return has_value_ ? static_cast<T&&>(get(*this))
                      : static_cast<std::remove_cvref_t<T>>(std::forward<U>(other));
  }
  /// The error, or other in its place.
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

/// Equal are equal values, and errors of equal codes.
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
/// A value is equal to a result that holds its equal...
template <class T, class V>
  requires(!is_result<V> || std::is_same_v<V, T>) && (!detail::failure_of<V, T>) &&
          requires(const result<T>& left, const V& right) {
            { *left == right } -> std::convertible_to<bool>;
          }
[[nodiscard]] bool operator==(const result<T>& left, const V& right) {
  return left && *left == right;
}
/// ...an error, or its code, to a result that failed with it.
template <class T, detail::failure_of<T> E>
[[nodiscard]] bool operator==(const result<T>& left, const E& right) noexcept {
  return !left && left.error() == right;
}

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
