#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/combine/detail/circuit_breaker_state.hpp"
#include "braid/combine/detail/sliding_window.hpp"
#include "braid/combine/retry_policy.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/clock.hpp"
#include "braid/style/detail/awaitable_sender.hpp"

namespace braid {

/// When a circuit_breaker opens, and how it closes again. A rule whose number is 0 is off.
///
///     circuit_breaker nervous(circuit_breaker_options{.consecutive_failures = 3, .open_for = 1s});
struct circuit_breaker_options {
  unsigned failure_percent = 50;  ///< opens if so many of the calls that ended in the window have failed
  std::size_t least_calls = 20;  ///< with fewer calls in the window that rule does not apply
  loop_clock::duration window = std::chrono::seconds(10);
  std::size_t consecutive_failures = 0;  ///< opens after so many failures without a success in between
  loop_clock::duration open_for = std::chrono::seconds(5);  ///< then it lets probes through
  std::size_t probes = 1;  ///< calls that must succeed to close it; so many run at once at most
};
static_assert(std::is_trivially_copyable_v<circuit_breaker_options>);

/// The state of a circuit_breaker.
///
///     circuit_breaker server;
///     if (server.state() == circuit_state::open) log("the server is not asked");
enum class circuit_state : std::uint8_t {
  closed,  ///< all calls run
  open,  ///< no call runs
  half_open,  ///< some calls run, to find out whether the other side has recovered
};

/// Stops calling what keeps failing. run(op) runs op while the circuit is closed. When too many calls fail it
/// opens, and run fails at once with errc::circuit_open, without beginning op. After a while it is half-open:
/// some calls run as probes. If they succeed it closes, and if one fails it opens again.
///
///     circuit_breaker server;  // one for each server
///     const auto page = co_await as_result(server.run([] { return with_timeout(fetch("page"), 1s); }));
///     if (page == errc::circuit_open) log("use the page of yesterday");
///
/// Only a failure opens it. An error is a failure if is_failure(error) is true, by default worth_retrying:
/// all errors but cancellations and std::logic_error. A time-out is a failure, so put with_timeout inside
/// run: a with_timeout around it cancels the call. A call that is cancelled, or whose error is no failure,
/// counts nothing; as a probe it makes room for another one.
///
/// A result counts only in the state in which its call began: a call that began before the circuit opened
/// neither closes nor opens it afterwards. Probes that do not end let no more through for open_for; then new
/// ones run in their place, so that one that hangs does not keep the circuit half-open.
///
/// Lifetime  outlives its calls.
/// Threads   one loop's.
/// Errors    op's; errc::circuit_open; an exception of is_failure. The constructor throws
///           std::invalid_argument if failure_percent is above 100, least_calls or probes is 0, the window is
///           not positive, or open_for is negative.
/// Cancel    op's.
/// Cost      no allocation and no timer. Results are counted in slices of a tenth of the window: each counts
///           for the time of the window, and for at most a tenth longer.
/// Source    Nygard, "Release It!" (2007).
class circuit_breaker : pinned {
 public:
  explicit circuit_breaker(const circuit_breaker_options& how = {});

  /// A sender of op's value. op may be a function that returns a sender; it is not called while the circuit
  /// is open.
  template <sender_or_factory S, class IsFailure = detail::worth_retrying_fn>
    requires std::predicate<std::decay_t<IsFailure>&, const error&>
  [[nodiscard]] auto run(S&& op, IsFailure&& is_failure = {}) {
    return detail::argument_sender<detail::circuit_breaker_state, value_of<sender_of<S>>, circuit_breaker*,
                                   sender_of<S>, std::decay_t<IsFailure>>{
        {this}, {as_sender(std::forward<S>(op))}, {std::forward<IsFailure>(is_failure)}};
  }
  template <class X, class... More>
    requires(!sender_or_factory<X>)
  detail::anything run(X&&, More&&...) {
    return detail::takes_sender<X>();
  }

  /// What the next call will meet: half_open from the end of open_for on.
  [[nodiscard]] circuit_state state() const noexcept;

 private:
  template <class, class, class, class>
  friend class detail::circuit_breaker_state;
  using phase = std::uint64_t;  // a number for each time in one state

  // Lets a call begin, in the present phase, or returns 0.
  [[nodiscard]] phase admit() noexcept;
  // How a call of that phase ended.
  void succeeded(phase of) noexcept;
  void failed(phase of) noexcept;
  void ended_otherwise(phase of) noexcept;

  [[nodiscard]] bool too_many_failures() noexcept;
  void enter(circuit_state next) noexcept;

  const circuit_breaker_options how_;
  circuit_state state_ = circuit_state::closed;
  phase phase_ = 1;
  loop_clock::time_point until_{};  // then an open circuit is half-open, and a half-open one takes new probes
  std::size_t running_ = 0;  // probes of this phase
  std::size_t recovered_ = 0;  // successful probes of this phase
  std::size_t failures_in_a_row_ = 0;
  detail::sliding_window window_;  // all are the calls that ended, marked the failures
};

}  // namespace braid
