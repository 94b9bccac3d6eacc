#pragma once

#include <concepts>
#include <source_location>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/scope_child.hpp"
#include "braid/combine/detail/scope_join.hpp"
#include "braid/combine/detail/scope_state.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/future.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/task.hpp"

namespace braid {

class scope;

namespace detail {
template <class T, class F>
task<T> start_child(scope& within, F fn, std::source_location where);
}  // namespace detail

/// A group of operations that all end before the scope does: the argument that with_scope gives its function.
///
///     const auto both = [](scope& all) -> task<> {
///       auto page = all.spawn(fetch("page"));  // a child, whose future may be dropped
///       all.spawn(fetch("logo"));
///       log(co_await std::move(page));
///     };
///     co_await with_scope(both);  // until the function and both children have ended
///
/// Lifetime  part of with_scope's operation; must not be used after that has ended.
/// Threads   its loop's, except request_stop and the token.
class scope : pinned {
 public:
  /// The future of an operation that was spawned in a scope. Unlike other futures it may be dropped: the
  /// scope waits for the operation and reports its error. The same holds for a chain on it (then and its
  /// kin): the scope waits for the chain, stops what the chain starts, and fails with what its steps throw.
  template <class T>
  class child : public future<T> {
    friend scope;
    explicit child(future<T>&& whole) noexcept : future<T>(std::move(whole)) {}
  };

  /// Starts op now as a child and gives its future. Children may spawn more while anything in the scope runs.
  ///
  /// Errors  a child's failure fails the scope, even if the program also takes it from the future. If the
  ///         error is no failure, spawn as_result(op), or use spawn_isolated. Throws std::logic_error on a
  ///         thread other than the loop's, and after the scope has ended.
  /// Cancel  future::request_stop reaches op alone, from any thread. After the scope was stopped op is not
  ///         started, and ends as operation_canceled.
  /// Cost    one block of the frame pool.
  template <sender_or_factory S>
  child<value_of<sender_of<S>>> spawn(S&& op, std::source_location where = std::source_location::current()) {
    return begin(std::forward<S>(op), where, false);
  }
  template <class X>
    requires(!sender_or_factory<X>)
  detail::anything spawn(X&&) {
    return detail::takes_sender<X>();
  }

  /// Like spawn, but the child's failure goes to its future instead of the scope, so that the rest goes on.
  /// A failure that no waiter gets, because the future was dropped, still fails the scope.
  ///
  ///     const auto page = [](scope& all) -> task<std::string> {
  ///       auto advert = all.spawn_isolated(fetch("advert"));
  ///       const std::string text = co_await all.spawn(fetch("text"));
  ///       const auto extra = co_await as_result(std::move(advert));
  ///       co_return text + extra.value_or("");  // a page without its advert is better than none
  ///     };
  ///     log(co_await with_scope(page));
  ///
  /// The same holds for a chain on the future (then and its kin): the failure goes to the last link's future.
  /// Await the future while the scope runs: a failed child that is only kept stops nothing.
  ///
  /// Errors  a failure that is dropped after the scope's end, or on a thread other than the loop's, goes to
  ///         the unhandled-error handler.
  /// Cancel  as for spawn: the scope stops the child like any other.
  /// Cost    one block of the frame pool, and another one for the scope's first isolated child.
  template <sender_or_factory S>
  child<value_of<sender_of<S>>> spawn_isolated(S&& op,
                                               std::source_location where = std::source_location::current()) {
    return begin(std::forward<S>(op), where, true);
  }
  template <class X>
    requires(!sender_or_factory<X>)
  detail::anything spawn_isolated(X&&) {
    return detail::takes_sender<X>();
  }

  /// Begins fn(promise<T>) as a child, and waits until it says that it is ready by settling the promise, or
  /// fails. A sender of T. The child then goes on in the scope like one of spawn.
  ///
  ///     const auto serve = [](promise<int> ready) -> task<> {
  ///       log(co_await fetch("settings"));  // a failure here is the failure of start
  ///       ready.set_value(8080);
  ///       co_await sleep_for(1h);           // one from here on fails the scope
  ///     };
  ///     const auto body = [&](scope& all) -> task<> {
  ///       const int port = co_await all.start<int>(serve);
  ///       log("listens on " + std::to_string(port));
  ///     };
  ///     co_await with_scope(body);
  ///
  /// Errors  what the child fails with before it was ready, or the error that it gives the promise; the scope
  ///         is not affected. errc::broken_promise if the child ends, or drops the promise, without either.
  /// Cancel  stops the child if it is not ready yet, and waits for its end. If it was ready before the stop
  ///         request, start completes with its value.
  /// Cost    blocks of the frame pool: the child's, one for its promise, one for the wait.
  template <class T = void, class F>
    requires sender<std::invoke_result_t<std::decay_t<F>&, promise<T>>>
  [[nodiscard]] task<T> start(F&& fn, std::source_location where = std::source_location::current()) {
    return detail::start_child<T>(*this, std::decay_t<F>(std::forward<F>(fn)), where);
  }

  /// Requests stop of the function, of all children, and of what is spawned from now on. Any thread. The
  /// scope completes as usual: with the value that the function returns in spite of the request, or with the
  /// cancellation that the function ends with.
  void request_stop(stop_reason why = stop_reason::requested) noexcept { join_.request_stop(why); }
  /// The token of the function and of all children; valid until the scope has ended.
  [[nodiscard]] stop_token get_stop_token() noexcept { return join_.child_stop_token(); }
  // For what has children of its own kind.
  [[nodiscard]] detail::scope_join& join() noexcept { return join_; }

 private:
  template <class, class, class>
  friend class detail::scope_state_of;
  explicit scope(detail::scope_join& join) noexcept : join_(join) {}
  template <class S>
  child<value_of<sender_of<S>>> begin(S&& op, std::source_location where, bool isolated) {
    using value = value_of<sender_of<S>>;
    const bool admitted = join_.admits();
    auto* made =
        new detail::scope_child<sender_of<S>>(join_, as_sender(std::forward<S>(op)), where, isolated);
    child<value> begun{future<value>(*made)};
    if (admitted)
      made->begin();
    else
      made->refuse();
    return begun;
  }

  detail::scope_join& join_;
};

namespace detail {

template <class F, class R>
class scope_state final : public scope_state_of<scope, F, R> {
 public:
  scope_state(F fn, R receiver)
      : scope_state_of<scope, F, R>(std::move(fn), std::move(receiver), "with_scope") {}
};

// A coroutine with the scope's child, whose failure is the waiter's until it has said that it is ready.
template <class T, class F>
task<T> start_child(scope& within, F fn, std::source_location where) {
  promise<T> ready(where);
  future<T> said = ready.get_future();
  auto begin = [fn = std::move(fn), ready = std::move(ready)]() mutable { return fn(std::move(ready)); };
  auto child = within.spawn_isolated(std::move(begin), where);
  auto waiting = as_result(std::move(said));
  result<T> got = co_await std::move(waiting);
  // Drops the child's future, so that its later errors are the scope's.
  if (got) co_return std::move(got).value();
  error why = std::move(got).error();
  const bool ends_by_itself = child.is_ready();
  child.request_stop();
  auto ending = shield(as_result(std::move(child)));
  const auto ended = co_await std::move(ending);
  const bool says_nothing = why == errc::broken_promise || why == std::errc::operation_canceled;
  const bool failed = !ended && (ends_by_itself || ended.error() != std::errc::operation_canceled);
  if (failed && says_nothing)
    why = ended.error();
  else if (failed)
    why.suppress(ended.error());
  why.rethrow();
}

}  // namespace detail

/// Structured concurrency: calls fn(scope&), which may spawn operations in the scope, and completes once fn
/// and everything it spawned have ended. The value is what fn returns, or the result of the sender it
/// returns.
///
///     task<> server(tcp::listener at) {
///       const auto accept_all = [&](scope& connections) -> task<> {
///         for (;;) connections.spawn(serve(co_await at.accept()));
///       };
///       co_await with_scope(accept_all);  // if it is stopped, all connections are
///     }
///
/// Lifetime  fn is kept until the end, so a capturing coroutine lambda is safe. Its locals end with it, while
///           children may still run: data that children share belongs in the captures or outside the scope.
///           Everything that a child owned is destroyed when the scope ends.
/// Errors    the first failure, of fn or of a child, stops everything else and fails the scope; later
///           failures are in its suppressed(). A failure goes before a cancellation.
/// Cancel    stops fn and all children, waits for all; operation_canceled if the request cut any of them
///           short. A child that only its own future or scope::request_stop stopped is no failure. If stop
///           was requested before the start, fn is not called.
/// Cost      no allocation of its own.
template <class F>
  requires std::invocable<std::decay_t<F>&, scope&>
[[nodiscard]] auto with_scope(F&& fn) {
  using value = value_of<detail::body_of<scope, std::decay_t<F>>>;
  return detail::argument_sender<detail::scope_state, value, std::decay_t<F>>{{std::forward<F>(fn)}};
}

}  // namespace braid
