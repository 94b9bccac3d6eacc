#pragma once

#include <concepts>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/combine/detail/scope_state.hpp"
#include "braid/combine/detail/supervised.hpp"
#include "braid/combine/detail/supervision.hpp"
#include "braid/combine/supervisor_options.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/style/detail/awaitable_sender.hpp"
#include "braid/style/future.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/task.hpp"

namespace braid {

namespace detail {
template <class F, class R>
class supervisor_state;
}  // namespace detail

/// A scope that begins its children again when they end: the argument that with_supervisor gives its
/// function.
///
///     const auto body = [](supervisor& all) {
///       all.spawn([] { return fetch("news"); }, {.name = "news", .restart = restart_policy::transient});
///       all.spawn(serve_all, {.name = "server"});
///     };
///     co_await with_supervisor({.strategy = restart_strategy::rest_for_one}, body);
///
/// Lifetime  part of with_supervisor's operation; must not be used after that has ended.
/// Threads   its loop's, except request_stop and the token.
class supervisor : pinned {
 public:
  /// Adds a child. make() returns its operation; it is called now, and again at each restart. An exception
  /// of make is a failure of the child. While several children are being restarted, the new one begins with
  /// them.
  ///
  /// Errors  throws std::logic_error on a thread other than the loop's, and after the supervisor has ended.
  /// Cancel  after the supervisor was stopped the child is not begun.
  /// Cost    one block of the frame pool.
  template <sender_factory F>
  child_id spawn(F&& make, const child_options& how = {},
                 std::source_location where = std::source_location::current()) {
    using child = detail::supervised_child<detail::sender_maker<F>>;
    return child_id{rules_.add(
        std::make_unique<child>(rules_, detail::making_senders(std::forward<F>(make)), how, where))};
  }
  template <class X, class... More>
    requires(!sender_factory<X>)
  child_id spawn(X&&, More&&...) {
    static_assert(sender_factory<X>,
                  "a supervisor makes each child anew: spawn takes a function that returns a sender");
    return {};
  }

  /// Stops the child, waits for its end, and does not restart it.
  ///
  /// Errors  std::invalid_argument if there is no such child, as once it has ended for good;
  ///         std::errc::timed_out if it has not ended within its stop_within: then it is left to end by
  ///         itself; the child's, if it fails in spite of the request.
  /// Cancel  the child is removed all the same.
  [[nodiscard]] task<> remove(child_id which) {
    promise<void> settled;
    future<void> gone = settled.get_future();
    rules_.remove(static_cast<std::uint64_t>(which), std::move(settled));
    co_await std::move(gone);
  }

  /// Stops the function and the children, the youngest child first. Any thread. Completes as a scope does.
  void request_stop(stop_reason why = stop_reason::requested) noexcept { rules_.join().request_stop(why); }
  /// The function's token; valid until the supervisor has ended. A child has one of its own, so that the
  /// children can be stopped one after the other.
  [[nodiscard]] stop_token get_stop_token() noexcept { return rules_.join().child_stop_token(); }

 private:
  template <class, class, class>
  friend class detail::scope_state_of;
  template <class, class>
  friend class detail::supervisor_state;
  explicit supervisor(detail::scope_join& join) noexcept : rules_(join) {}

  detail::supervision rules_;
};

namespace detail {

template <class F, class R>
class supervisor_state final : public scope_state_of<supervisor, F, R> {
  using whole = scope_state_of<supervisor, F, R>;

 public:
  supervisor_state(const supervisor_options& how, F fn, supervision::observer observe, R receiver)
      : whole(std::move(fn), std::move(receiver), "with_supervisor"),
        how_(how),
        observe_(std::move(observe)) {}
  ~supervisor_state() { this->handle().rules_.abandon(); }

  void start() noexcept {
    try {
      this->handle().rules_.configure(how_, std::move(observe_));
    } catch (...) {
      return this->refuse(error::current());
    }
    whole::start();
  }

 private:
  const supervisor_options how_;
  supervision::observer observe_;
};

}  // namespace detail

/// Calls fn(supervisor&), which spawns children, and completes once fn has ended and no child runs or will be
/// restarted. A child that ends is restarted as its restart_policy and the supervisor's restart_strategy say,
/// after a pause. The value is what fn returns, or the result of the sender it returns.
///
///     const auto observe = [](const child_report& it) {
///       if (it.failure != nullptr) log(std::string(it.name) + ": " + it.failure->message());
///     };
///     const auto body = [](supervisor& all) { all.spawn(serve_all, {.name = "server"}); };
///     co_await with_supervisor({.restarts = 5, .within = 1min}, body, observe);
///
/// Children begin in the order of spawn. To stop several, it stops the youngest, waits until that has ended
/// or its stop_within is over, and goes on with the next. An operation cannot be killed: the supervisor waits
/// for one that is late, too, but it never begins a child a second time beside itself.
///
/// A restart of several first stops those that run, then pauses, then begins all in their order, with those
/// transient ones that had ended before. Temporary ones that it stops are gone. Ends of children meanwhile
/// count as part of it.
///
/// observe   is called at each end of a child, and when one is late; an exception of it fails the
///           supervisor. Without it nobody learns of failures that a restart cures, or of those of temporary
///           children.
/// Lifetime  fn and what spawn got are kept until the end.
/// Errors    more restarts than the options allow: errc::too_many_restarts, with the child's name, and the
///           last failure in suppressed(). A failure of fn. std::errc::timed_out of a child that should
///           restart with others and does not stop in time. Each stops everything; failures while stopping
///           are in suppressed(). std::invalid_argument for more than 65,536 restarts.
/// Cancel    stops fn, and the children in turn; then as with_scope.
/// Cost      no allocation but that of spawn, and 8 bytes for each of the restarts that are allowed.
/// Source    Erlang/OTP, supervisor.
template <class F, class Observe = detail::ignore_child_report>
  requires std::invocable<std::decay_t<F>&, supervisor&> &&
           std::invocable<std::decay_t<Observe>&, const child_report&>
[[nodiscard]] auto with_supervisor(const supervisor_options& how, F&& fn, Observe&& observe = {}) {
  using value = value_of<detail::body_of<supervisor, std::decay_t<F>>>;
  return detail::argument_sender<detail::supervisor_state, value, supervisor_options, std::decay_t<F>,
                                 detail::supervision::observer>{
      {how}, {std::forward<F>(fn)}, {detail::supervision::observer(std::forward<Observe>(observe))}};
}

}  // namespace braid
