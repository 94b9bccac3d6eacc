#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/result_steps.hpp"

namespace braid::detail {

// A result<T> stores this if T is a reference. Assignment makes it refer to another object.
template <class T>
struct referred {
  template <class U>
    requires std::is_convertible_v<std::remove_reference_t<U>*, std::remove_reference_t<T>*> &&
             std::is_constructible_v<T, U> &&
             (std::is_lvalue_reference_v<U> ||
              std::is_rvalue_reference_v<T>)  // an lvalue reference never binds to a temporary
  explicit referred(U&& to) noexcept : at(std::addressof(to)) {}
  std::remove_reference_t<T>* at;
};
// A result<void> stores this.
struct no_value {};

template <class T>
using stored_in_result =
    std::conditional_t<std::is_void_v<T>, no_value,
                       std::conditional_t<std::is_reference_v<T>, referred<T>, std::remove_cv_t<T>>>;

// Unlike std::is_nothrow_move_constructible, this ignores whether T's destructor may throw.
template <class T>
inline constexpr bool moves_without_throwing =
    requires(void* room, T&& from) { requires noexcept(::new (room) T(std::move(from))); };

template <class T, class Whole>
inline constexpr bool made_of_whole =
    std::is_constructible_v<T, Whole> || std::is_constructible_v<T, Whole&> ||
    std::is_constructible_v<T, const Whole&>;

// Is X a template instance with R as an argument, such as std::tuple<R>, or one of the bases that standard
// libraries give a tuple? Such an X is never taken as the value of R, even if R's T is constructible from
// anything: asking whether X can be copied would ask the same of R, without end.
template <class X, class R>
inline constexpr bool is_made_of = false;
template <template <class...> class X, class... A, class R>
inline constexpr bool is_made_of<X<A...>, R> = (std::is_same_v<A, R> || ...);
template <template <std::size_t, class...> class X, std::size_t I, class... A, class R>
inline constexpr bool is_made_of<X<I, A...>, R> = (std::is_same_v<A, R> || ...);
template <template <std::size_t, class, bool> class X, std::size_t I, class A, bool Empty, class R>
inline constexpr bool is_made_of<X<I, A, Empty>, R> = std::is_same_v<A, R>;

// May R's stored value be constructed from a U?
template <class U, class Stored, class R>
concept value_for = std::is_same_v<U, Stored> ||
                    (!is_made_of<std::remove_cvref_t<U>, R> && std::is_constructible_v<Stored, U>);

// May a result<T> be converted from the content of the result R? Not if a T can be constructed from R itself,
// which is then meant (bool aside). Nor may a reference be bound to a value that the other result stores.
template <class R, class T>
concept converts_to_result_of =
    is_result<std::remove_cvref_t<R>> && !std::is_same_v<std::remove_cvref_t<R>, result<T>> &&
    (std::is_same_v<std::remove_cv_t<T>, bool> || !made_of_whole<T, std::remove_cvref_t<R>>) &&
    (!std::is_reference_v<T> || std::is_reference_v<typename std::remove_cvref_t<R>::value_type>) &&
    std::is_constructible_v<stored_in_result<T>, decltype(*std::declval<R>())>;

// Does comparing a result<T> with an E compare its error? Not if an E converts to a T.
template <class E, class T>
concept failure_of =
    std::is_same_v<E, error> ||
    ((std::is_same_v<E, std::errc> || std::is_same_v<E, errc> || std::is_same_v<E, std::error_code>) &&
     !std::is_convertible_v<E, T>);

}  // namespace braid::detail
