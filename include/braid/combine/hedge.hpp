#pragma once

#include <chrono>
#include <cstddef>
#include <utility>

#include "braid/combine/detail/hedge_state.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/loop/clock.hpp"

namespace braid {

/// Starts what make() returns, and starts it again if it has not ended after `after`, up to `Attempts` times.
/// When an attempt fails, the next one starts at once. The first value wins; the other attempts are stopped,
/// and hedge completes once they have ended. What a loser achieved is dropped, so it must be harmless to run
/// the operation twice.
///
///     const auto page = co_await hedge([] { return fetch("page"); }, 50ms);  // a second request after 50 ms
///
/// Errors  only when all attempts have failed: the first error, with the others in its suppressed(); or when
///         the clean-up (finally) of a loser failed. An exception of make is a failed attempt.
/// Cancel  stops all, waits for all.
/// Cost    the states of all attempts and a timer are inside this one; no allocation except for suppressed
///         errors.
/// Source  Dean and Barroso, "The Tail at Scale" (CACM, 2013): hedged requests. gRPC's A6: an error starts
///         the next attempt.
template <std::size_t Attempts = 2, sender_factory F, class Rep, class Period>
  requires(Attempts > 0)
[[nodiscard]] auto hedge(F&& make, std::chrono::duration<Rep, Period> after) {
  return detail::hedge_sender<detail::sender_maker<F>, Attempts>{
      detail::making_senders(std::forward<F>(make)), loop_clock::saturated(after)};
}
template <std::size_t Attempts = 2, class X, class Duration>
  requires(!sender_factory<X>)
detail::anything hedge(X&&, Duration&&) {
  static_assert(sender_factory<X>,
                "hedge makes each attempt anew: it takes a function that returns a sender, hedge([&] { "
                "return op(…); }, "
                "10ms)");
  return {};
}

}  // namespace braid
