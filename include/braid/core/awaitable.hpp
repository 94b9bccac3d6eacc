#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "braid/core/sender.hpp"

namespace braid {

/// What any C++20 coroutine can co_await without being a sender of braid's: an awaiter, or what operator
/// co_await makes one of. Every verb and every join takes one as it takes a sender: awaitables of other
/// libraries work as they are.
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

/// A function without parameters that returns an awaitable: one that cannot be moved as well.
template <class F>
concept awaitable_factory = !sender<F> && !awaitable<F> && std::invocable<std::decay_t<F>&> &&
                            awaitable<std::invoke_result_t<std::decay_t<F>&>>;

/// What awaiting an awaitable, or what a function returns, gives.
template <class Source>
struct awaited;
template <awaitable A>
struct awaited<A> {
  using type = without_rvalue_reference<decltype(awaiter_of(std::declval<A>()).await_resume())>;
};
template <awaitable_factory F>
struct awaited<F> : awaited<std::invoke_result_t<std::decay_t<F>&>> {};

/// An awaitable as a sender; defined in style/awaitable_sender.hpp. Source is an A that it keeps, an A& of
/// the caller's, or a function that makes one.
template <class Source>
struct awaitable_sender;

}  // namespace detail

/// A function without parameters that returns a sender, or an awaitable. Where a verb takes one it keeps the
/// function, captures and all, until the operation has ended: so a capturing coroutine lambda is safe there.
template <class F>
concept sender_factory =
    detail::awaitable_factory<F> || (!sender<F> && !awaitable<F> && std::invocable<std::decay_t<F>&> &&
                                     sender<std::invoke_result_t<std::decay_t<F>&>>);

/// What verbs and combinators take.
template <class X>
concept sender_or_factory = sender<X> || awaitable<X> || sender_factory<X>;

}  // namespace braid
