#pragma once

#include <concepts>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/group_child.hpp"
#include "braid/combine/detail/group_results.hpp"
#include "braid/combine/detail/scope_state.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/detail/takes_sender.hpp"

namespace braid {

namespace detail {
template <class T, class F, class R>
class group_state;
}  // namespace detail

/// A scope whose children's results are received one by one, in the order in which the children end: the
/// argument that with_group gives its function.
///
///     const auto longest = [](task_group<std::string>& pages) -> task<std::size_t> {
///       for (const char* name : {"one", "two", "three"}) pages.spawn(fetch(name));  // all run
///       std::size_t most = 0;
///       while (const auto page = co_await pages.next())  // until every result was received
///         if (*page) most = std::max(most, (*page)->size());
///       co_return most;
///     };
///     use(co_await with_group<std::string>(longest));
///
/// Lifetime  part of with_group's operation; must not be used after that has ended.
/// Threads   its loop's, except request_stop and the token.
template <class T>
class task_group : pinned {
 public:
  /// Starts op, a sender of T, now. Children may spawn more. After the group was stopped op is not started,
  /// and its result is operation_canceled.
  ///
  /// To stop one child, give it a token: spawn(with_stop_token(op, stop.get_token())).
  ///
  /// Errors  a child's failure is a result like any other, and stops nothing. Throws std::logic_error on a
  ///         thread other than the loop's, and after the group has ended.
  /// Cost    one block of the frame pool, until the result is received.
  template <sender_or_factory S>
  void spawn(S&& op, std::source_location where = std::source_location::current()) {
    static_assert(std::is_same_v<value_of<sender_of<S>>, T>,
                  "task_group<T>::spawn takes an operation whose value is a T");
    const bool admitted = results_.join().admits();
    auto* const made = new detail::group_child<sender_of<S>>(results_, as_sender(std::forward<S>(op)), where);
    admitted ? made->begin() : made->refuse();
  }
  template <class X>
    requires(!sender_or_factory<X>)
  detail::anything spawn(X&&) {
    return detail::takes_sender<X>();
  }

  /// A sender of std::optional<result<T>>: the result of the child that ended first among those that were not
  /// received yet. Empty when no child runs and all results were received; more may be spawned then. Several
  /// may wait; they are served first come, first served. A child that waits here waits for the others only if
  /// there are others.
  ///
  /// Cancel  a cancelled next() takes no result. If the hand-over took place before the stop request arrived,
  ///         it completes with what it got.
  /// Cost    no allocation. If a result is there, it does not suspend.
  [[nodiscard]] auto next() noexcept {
    return detail::argument_sender<detail::group_next_state, std::optional<result<T>>,
                                   detail::group_results<T>*>{{&results_}};
  }

  /// Requests stop of the function, of all children, and of what is spawned from now on, as
  /// scope::request_stop does. Any thread.
  void request_stop(stop_reason why = stop_reason::requested) noexcept { results_.join().request_stop(why); }
  /// The token of the function and of all children; valid until the group has ended.
  [[nodiscard]] stop_token get_stop_token() noexcept { return results_.join().child_stop_token(); }

 private:
  template <class, class, class>
  friend class detail::scope_state_of;
  template <class, class, class>
  friend class detail::group_state;
  explicit task_group(detail::scope_join& join) noexcept : results_(join) {}

  detail::group_results<T> results_;
};

namespace detail {

template <class T, class F, class R>
class group_state final : public scope_state_of<task_group<T>, F, R> {
 public:
  group_state(std::type_identity<T>, F fn, R receiver)
      : scope_state_of<task_group<T>, F, R>(std::move(fn), std::move(receiver), "with_group") {}

 private:
  void on_body_end() noexcept override { this->handle().results_.close(); }
};

}  // namespace detail

/// Calls fn(task_group<T>&), which spawns operations in the group and receives their results, and completes
/// once fn and everything it spawned have ended. The value is what fn returns, or the result of the sender it
/// returns.
///
///     const auto first = [](task_group<std::string>& mirrors) -> task<std::string> {
///       mirrors.spawn(fetch("near"));
///       mirrors.spawn(fetch("far"));
///       std::optional<result<std::string>> page = co_await mirrors.next();
///       mirrors.request_stop();  // the other one is not needed
///       co_return std::move(*page).value();
///     };
///     log(co_await with_group<std::string>(first));
///
/// Once fn has ended, results that were not received are dropped if they are values. An error among them, or
/// one of a child that still runs, fails the group and stops the other children.
///
/// Lifetime  fn is kept until the end, so a capturing coroutine lambda is safe. Its locals end with it, while
///           children may still run.
/// Errors    a failure of fn, or one that fn did not receive, stops everything else and fails the group;
///           later failures that were not received are in its suppressed().
/// Cancel    stops fn and all children, waits for all; operation_canceled if the request cut any of them
///           short. If stop was requested before the start, fn is not called.
/// Cost      no allocation of its own.
template <class T, class F>
  requires std::invocable<std::decay_t<F>&, task_group<T>&>
[[nodiscard]] auto with_group(F&& fn) {
  using value = value_of<detail::body_of<task_group<T>, std::decay_t<F>>>;
  return detail::argument_sender<detail::group_state, value, std::type_identity<T>, std::decay_t<F>>{
      {}, {std::forward<F>(fn)}};
}

}  // namespace braid
