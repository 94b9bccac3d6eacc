#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/retry_state.hpp"
#include "braid/combine/retry_policy.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/style/detail/awaitable_sender.hpp"

namespace braid {

/// Starts what make() returns, and after a failure makes and starts it again, after a pause, until an attempt
/// succeeds or the policy's attempts are used up. An exception of make is a failed attempt.
///
///     log(co_await retry({.attempts = 5, .base = 100ms}, [] { return fetch("page"); }));
///
/// worth    decides whether an error deserves another attempt; worth_retrying by default. Not called after
///          the last attempt.
/// observe  is called with each failed_attempt, once it is known what follows. An exception of either ends
///          the retry.
/// budget   a member of policy; see retry_budget. It is asked last, and if it has nothing left, the retry
///          ends with the last error.
/// Errors   the error of the last attempt; the latest earlier ones, at most seven, are in its suppressed(),
///          in order. std::invalid_argument when the policy has no attempts.
/// Cancel   stops the attempt, or ends the pause at once: operation_canceled, with the earlier failures in
///          its suppressed(). If the attempt fails in spite of the request, for instance with its clean-up's
///          error, the retry fails with that error and makes no further attempt.
/// Cost     the state of one attempt and of one timer; no allocation except for suppressed errors. Every
///          pause, even one of zero, is a turn of the loop, so that many attempts do not starve others.
template <sender_factory F, class Worth = detail::worth_retrying_fn,
          class Observe = detail::ignore_failed_attempt>
  requires std::predicate<std::decay_t<Worth>&, const error&> &&
           std::invocable<std::decay_t<Observe>&, const failed_attempt&>
[[nodiscard]] auto retry(const retry_policy& policy, F&& make, Worth&& worth = {}, Observe&& observe = {}) {
  using maker = detail::sender_maker<F>;
  using value = value_of<std::invoke_result_t<maker&>>;
  return detail::argument_sender<detail::retry_state, value, retry_policy, maker, std::decay_t<Worth>,
                                 std::decay_t<Observe>>{{policy},
                                                        {detail::making_senders(std::forward<F>(make))},
                                                        {std::forward<Worth>(worth)},
                                                        {std::forward<Observe>(observe)}};
}
template <class X, class... More>
  requires(!sender_factory<X>)
detail::anything retry(const retry_policy&, X&&, More&&...) {
  static_assert(
      sender_factory<X>,
      "retry makes each attempt anew: it takes a function that returns a sender, retry(policy, [&] { return "
      "op(…); })");
  return {};
}
template <class X, class... More>
  requires(!std::convertible_to<X, const retry_policy&>)
detail::anything retry(X&&, More&&...) {
  static_assert(std::convertible_to<X, const retry_policy&>,
                "retry takes its policy first: retry(retry_policy{.attempts = 3}, [&] { return op(…); })");
  return {};
}

}  // namespace braid
