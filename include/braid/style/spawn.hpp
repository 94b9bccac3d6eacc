#pragma once

#include <source_location>
#include <utility>

#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/style/detail/awaitable_sender.hpp"
#include "braid/style/detail/spawned.hpp"
#include "braid/style/future.hpp"

namespace braid {

/// The future verb: begins op now and returns its future, which gets the result. Otherwise like start.
///
///     future<std::string> one = spawn(fetch("one"));
///     future<std::string> two = spawn(fetch("two"));  // both run
///     log(co_await std::move(one) + co_await std::move(two));
///
/// Cancel  future::request_stop reaches op, from any thread.
template <sender_or_factory S>
[[nodiscard]] future<value_of<sender_of<S>>> spawn(
    S&& op, std::source_location where = std::source_location::current()) {
  using state = detail::spawned<sender_of<S>>;
  auto* made = new state(as_sender(std::forward<S>(op)), loop::current("spawn"), where);
  future<value_of<sender_of<S>>> waiting(*made);
  made->begin();
  return waiting;
}
template <class X>
  requires(!sender_or_factory<X>)
detail::anything spawn(X&&) {
  return detail::takes_sender<X>();
}

}  // namespace braid
