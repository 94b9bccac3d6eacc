#pragma once

#include <type_traits>
#include <utility>

#include "braid/core/awaitable.hpp"
#include "braid/core/detail/defer_state.hpp"
#include "braid/core/sender.hpp"

namespace braid {

/// A sender that calls make() when it is started and then acts as the sender that make() returned. make is
/// kept until that operation has ended.
///
///     auto page = defer([] { return fetch("page"); });  // fetch is called when page is started
///     log(co_await std::move(page));
///
/// Errors  an exception of make() is the operation's error.
template <sender_factory F>
[[nodiscard]] auto defer(F&& make) {
  if constexpr (detail::awaitable_factory<F>)
    return detail::awaitable_sender<std::decay_t<F>>{std::forward<F>(make)};
  else
    return detail::defer_sender<std::decay_t<F>>{std::forward<F>(make)};
}

/// Makes a sender of x: x itself if it is one (a copy if it is awaited by copy), a sender that awaits an
/// awaitable (an lvalue is referred to, not copied), or defer(x) for a function.
///
///     auto op = as_sender([] { return fetch("page"); });
///     log(co_await std::move(op));
template <sender_or_factory X>
[[nodiscard]] decltype(auto) as_sender(X&& x) {
  if constexpr (awaitable<X>)
    return detail::awaitable_sender<X>{std::forward<X>(x)};
  else if constexpr (detail::awaitable_factory<X>)
    return detail::awaitable_sender<std::decay_t<X>>{std::forward<X>(x)};
  else if constexpr (awaited_by_copy<X>)
    return std::remove_cvref_t<X>(std::forward<X>(x));
  else if constexpr (sender<X>)
    return std::forward<X>(x);
  else
    return defer(std::forward<X>(x));
}

namespace detail {

/// make itself if it returns senders; if it returns awaitables, a function that wraps them as senders.
template <sender_factory F>
auto making_senders(F&& make) {
  if constexpr (awaitable_factory<F>)
    return [make = std::decay_t<F>(std::forward<F>(make))]() mutable {
      return awaitable_sender<std::decay_t<F>&>{make};
    };
  else
    return std::decay_t<F>(std::forward<F>(make));
}
template <sender_factory F>
using sender_maker = decltype(making_senders(std::declval<F>()));

}  // namespace detail

/// The type that as_sender makes of an X.
///
///     template <sender_or_factory S>
///     struct named {  // keeps any argument of a verb
///       std::string name;
///       sender_of<S> op;
///     };
template <sender_or_factory X>
using sender_of = std::remove_cvref_t<decltype(as_sender(std::declval<X>()))>;

}  // namespace braid
