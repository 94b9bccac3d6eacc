#pragma once

#include <utility>

#include "braid/combine/detail/finally_state.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/sender.hpp"

namespace braid {

/// Runs `clean_up` after `op`, however `op` ended: the asynchronous destructor. Completes with the result of
/// `op` once `clean_up` has ended; a value of `clean_up` is dropped.
///
///     const auto mark_free = [] { return write_file("/tmp/state", "free"); };
///     co_await finally(fetch("page"), mark_free);  // also if fetch fails or is stopped
///
/// Errors  a failure of clean_up replaces a value of op and a requested cancellation of op. If op failed in
///         another way, its error stays and clean_up's error is in its suppressed(). No combinator drops the
///         error of a clean-up: a combinator that drops the errors of losers fails with this one.
/// Cancel  reaches op alone; clean_up does not see the stop request, as in shield. If stop was requested
///         before the start, op is still started and clean_up still follows. An operation that a join or a
///         scope never starts has nothing to clean up. When the loop ends, clean_up still runs, but what it
///         awaits ends as cancelled; if op waits for something that never completes, both are destroyed.
/// Cost    both operation states are inside this one; no allocation.
template <sender_or_factory S, sender_or_factory CleanUp>
[[nodiscard]] auto finally(S&& op, CleanUp&& clean_up) {
  return detail::argument_sender<detail::finally_state, value_of<sender_of<S>>, sender_of<S>,
                                 sender_of<CleanUp>>{{as_sender(std::forward<S>(op))},
                                                     {as_sender(std::forward<CleanUp>(clean_up))}};
}
template <class X, class CleanUp>
  requires(!sender_or_factory<X> || !sender_or_factory<CleanUp>)
detail::anything finally(X&&, CleanUp&&) {
  return detail::take_senders<X, CleanUp>();
}

}  // namespace braid
