#pragma once

#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/core/awaitable.hpp"
#include "braid/core/sender.hpp"

namespace braid {

namespace detail {

// Lets std::optional build an immovable object from what a function returns.
template <class F>
struct elided {
  F make;
  operator std::invoke_result_t<F&>() { return make(); }
};
template <class F>
elided(F) -> elided<F>;

template <class F, class R>
class defer_state : pinned {
 public:
  defer_state(F make, R receiver) : make_(std::move(make)), receiver_(std::move(receiver)) {}

  void start() noexcept {
    try {
      state_.emplace(elided{[this] { return connect(make_(), std::move(receiver_)); }});
    } catch (...) {
      return std::move(receiver_).finish(error::current());
    }
    state_->start();
  }

 private:
  F make_;
  R receiver_;
  std::optional<connected<std::invoke_result_t<F&>, R>> state_;
};

template <class F>
struct defer_sender {
  using sender_concept = sender_tag;
  using value_type = value_of<std::invoke_result_t<F&>>;
  F make;

  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return defer_state<F, R>(std::move(make), std::move(receiver));
  }
};

}  // namespace detail

/// A sender that calls make() when it is started and then acts as the sender that make() returned. make is
/// kept until that operation has ended.
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
template <sender_or_factory X>
using sender_of = std::remove_cvref_t<decltype(as_sender(std::declval<X>()))>;

}  // namespace braid
