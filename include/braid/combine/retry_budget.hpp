#pragma once

#include <chrono>
#include <cstddef>
#include <type_traits>

#include "braid/base/pinned.hpp"
#include "braid/combine/detail/sliding_window.hpp"
#include "braid/loop/clock.hpp"

namespace braid {

/// How many retries a retry_budget allows: in a window of time `at_least`, and additionally `percent` of the
/// requests that began in it.
///
///     retry_budget careful(retry_budget_options{.percent = 5, .at_least = 1, .window = 1min});
struct retry_budget_options {
  unsigned percent = 20;
  std::size_t at_least = 10;  ///< so that a client with few requests can retry
  loop_clock::duration window = std::chrono::seconds(10);
};
static_assert(std::is_trivially_copyable_v<retry_budget_options>);

/// Limits the retries of all requests together to a share of the requests. Without it a server that is down
/// or slow gets every request as often as the retry_policy has attempts, just when it can bear that least.
///
///     retry_budget retries;  // one for each server
///     const retry_policy patient{.attempts = 5, .budget = &retries};
///     log(co_await retry(patient, [] { return fetch("page"); }));
///
/// Each retry() counts as one request when it starts, and each further attempt takes one retry from the
/// budget. If nothing is left, the failed attempt was the last one, and retry() ends with its error. The
/// retry is taken at the failure, before the pause. If the pause is cancelled, the budget does not get it
/// back.
///
/// Lifetime  outlives the operations whose policy names it.
/// Threads   one loop's.
/// Errors    the constructor throws std::invalid_argument unless the window is positive.
/// Cost      no allocation. Requests and retries are counted in slices of a tenth of the window: each counts
///           for the time of the window, and for at most a tenth longer.
/// Source    the budgets of Finagle and Envoy.
class retry_budget : pinned {
 public:
  explicit retry_budget(const retry_budget_options& how = {})
      : percent_(how.percent), at_least_(how.at_least), window_(how.window, "retry_budget") {}

  /// For a program that repeats without retry(): a request begins.
  void note_request() noexcept { window_.add({.all = 1}); }
  /// Takes a retry from the budget; false if none is left.
  [[nodiscard]] bool try_retry() noexcept;
  /// How many retries are left now.
  [[nodiscard]] std::size_t available() noexcept;

 private:
  const unsigned percent_;
  const std::size_t at_least_;
  detail::sliding_window window_;  // all are the requests, marked the retries
};

}  // namespace braid
