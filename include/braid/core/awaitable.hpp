#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "braid/core/sender.hpp"

namespace braid {

/// A type that any C++20 coroutine can co_await and that is no sender: an awaiter, or a type with an operator
/// co_await. Every verb and combinator takes one like a sender, so awaitables of other libraries work as they
/// are.
///
///     struct ready_number {  // an awaiter of another library
///       bool await_ready() const noexcept { return true; }
///       void await_suspend(std::coroutine_handle<>) const noexcept {}
///       int await_resume() const noexcept { return 7; }
///     };
///     static_assert(awaitable<ready_number>);
///     const auto [seven, page] = co_await when_all(ready_number{}, fetch("page"));
template <class A>
concept awaitable = !sender<A> && (requires(A&& a) { std::forward<A>(a).await_ready(); } || requires(A&& a) {
  std::forward<A>(a).operator co_await();
} || requires(A&& a) { operator co_await(std::forward<A>(a)); });

namespace detail {

template <awaitable A>
decltype(auto) awaiter_of(A&& a) {
  if constexpr (requires { std::forward<A>(a).operator co_await(); })
    return std::forward<A>(a).operator co_await();
  else if constexpr (requires { operator co_await(std::forward<A>(a)); })
    return operator co_await(std::forward<A>(a));
  else
    return std::forward<A>(a);
}
template <class T>
using without_rvalue_reference =
    std::conditional_t<std::is_lvalue_reference_v<T>, T, std::remove_reference_t<T>>;

/// A function without parameters that returns an awaitable, which need not be movable.
template <class F>
concept awaitable_factory = !sender<F> && !awaitable<F> && std::invocable<std::decay_t<F>&> &&
                            awaitable<std::invoke_result_t<std::decay_t<F>&>>;

/// The value type of awaiting an awaitable, or the awaitable that a function returns.
template <class Source>
struct awaited;
template <awaitable A>
struct awaited<A> {
  using type = without_rvalue_reference<decltype(awaiter_of(std::declval<A>()).await_resume())>;
};
template <awaitable_factory F>
struct awaited<F> : awaited<std::invoke_result_t<std::decay_t<F>&>> {};

/// An awaitable as a sender; defined in style/detail/awaitable_sender.hpp. Source is the type of an
/// awaitable, which is stored, a reference to the caller's awaitable, or a function that returns an
/// awaitable.
template <class Source>
struct awaitable_sender;

}  // namespace detail

/// A function without parameters that returns a sender or an awaitable. A verb keeps the function and its
/// captures until the operation has ended, so a capturing coroutine lambda is safe there.
///
///     const auto make = [] { return sleep_for(1s); };
///     static_assert(sender_factory<decltype(make)>);
///     co_await retry({.attempts = 3}, make);
template <class F>
concept sender_factory =
    detail::awaitable_factory<F> || (!sender<F> && !awaitable<F> && std::invocable<std::decay_t<F>&> &&
                                     sender<std::invoke_result_t<std::decay_t<F>&>>);

/// The argument type of verbs and combinators.
///
///     template <sender_or_factory S>
///     auto within_a_second(S&& op) {
///       return with_timeout(std::forward<S>(op), 1s);
///     }
template <class X>
concept sender_or_factory = sender<X> || awaitable<X> || sender_factory<X>;

}  // namespace braid
