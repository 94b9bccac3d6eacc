#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "braid/base/error.hpp"

namespace braid {

template <class T>
class result;

/// Is T a result<U> for some U?
///
///     static_assert(is_result<result<int>> && !is_result<int>);
template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

/// The base of result<T> with the chaining functions of std::expected.
///
///     const result<std::string> text = co_await as_result(read_file("/etc/hostname"));
///     const result<std::size_t> length = text.transform([](const std::string& name) { return name.size(); })
///                                            .or_else([](const error&) { return result<std::size_t>(0); });
///     static_assert(std::derived_from<result<std::string>, result_steps<std::string>>);
///
/// On an lvalue, f gets a reference to the content, and content that f does not see is copied. On an rvalue
/// both are moved. If T is void, f takes no value.
template <class T>
class result_steps {
 public:
  /// Returns f(value), which is a result; an error is returned unchanged.
  template <class F>
  auto and_then(F&& f) & {
    return and_then_of(self(), std::forward<F>(f));
  }
  template <class F>
  auto and_then(F&& f) const& {
    return and_then_of(self(), std::forward<F>(f));
  }
  template <class F>
  auto and_then(F&& f) && {
    return and_then_of(std::move(self()), std::forward<F>(f));
  }

  /// Returns f(value) as a result's value; an error is returned unchanged.
  template <class F>
  auto transform(F&& f) & {
    return transform_of(self(), std::forward<F>(f));
  }
  template <class F>
  auto transform(F&& f) const& {
    return transform_of(self(), std::forward<F>(f));
  }
  template <class F>
  auto transform(F&& f) && {
    return transform_of(std::move(self()), std::forward<F>(f));
  }

  /// Returns f(error), which is a result<T>; a value is returned unchanged.
  template <class F>
  result<T> or_else(F&& f) & {
    return or_else_of(self(), std::forward<F>(f));
  }
  template <class F>
  result<T> or_else(F&& f) const& {
    return or_else_of(self(), std::forward<F>(f));
  }
  template <class F>
  result<T> or_else(F&& f) && {
    return or_else_of(std::move(self()), std::forward<F>(f));
  }

  /// Returns a result with the error f(error), or with the error constructed from it; a value is returned
  /// unchanged.
  template <class F>
  result<T> transform_error(F&& f) & {
    return transform_error_of(self(), std::forward<F>(f));
  }
  template <class F>
  result<T> transform_error(F&& f) const& {
    return transform_error_of(self(), std::forward<F>(f));
  }
  template <class F>
  result<T> transform_error(F&& f) && {
    return transform_error_of(std::move(self()), std::forward<F>(f));
  }

 private:
  [[nodiscard]] result<T>& self() noexcept { return static_cast<result<T>&>(*this); }
  [[nodiscard]] const result<T>& self() const noexcept { return static_cast<const result<T>&>(*this); }

  template <class Self, class F>
  static decltype(auto) with_value(Self&& self, F&& f) {
    if constexpr (std::is_void_v<T>)
      return std::invoke(std::forward<F>(f));
    else
      return std::invoke(std::forward<F>(f), *std::forward<Self>(self));
  }
  template <class Self, class F>
  static auto and_then_of(Self&& self, F&& f) {
    using next = std::remove_cvref_t<decltype(with_value(std::forward<Self>(self), std::forward<F>(f)))>;
    static_assert(is_result<next>, "and_then: the function must return a result");
    if (!self.has_value()) return next(std::forward<Self>(self).error());
    return next(with_value(std::forward<Self>(self), std::forward<F>(f)));
  }
  template <class Self, class F>
  static auto transform_of(Self&& self, F&& f) {
    using value = std::remove_cv_t<decltype(with_value(std::forward<Self>(self), std::forward<F>(f)))>;
    using next = result<value>;
    if (!self.has_value()) return next(std::forward<Self>(self).error());
    if constexpr (std::is_void_v<value>)
      return with_value(std::forward<Self>(self), std::forward<F>(f)), next();
    else
      return next(std::in_place, with_value(std::forward<Self>(self), std::forward<F>(f)));
  }
  template <class Self, class F>
  static result<T> or_else_of(Self&& self, F&& f) {
    if (self.has_value()) return std::forward<Self>(self);
    return std::invoke(std::forward<F>(f), std::forward<Self>(self).error());
  }
  template <class Self, class F>
  static result<T> transform_error_of(Self&& self, F&& f) {
    if (self.has_value()) return std::forward<Self>(self);
    return error(std::invoke(std::forward<F>(f), std::forward<Self>(self).error()));
  }
};

}  // namespace braid
