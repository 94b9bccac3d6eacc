#pragma once

#include <concepts>
#include <source_location>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/join_child.hpp"
#include "braid/combine/detail/scope_child.hpp"
#include "braid/combine/detail/scope_join.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/just.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/style/future.hpp"

namespace braid {

namespace detail {
template <class F, class R>
class scope_state;
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
  ///         error is no failure, spawn as_result(op). Throws std::logic_error on a thread other than the
  ///         loop's, and after the scope has ended.
  /// Cancel  future::request_stop reaches op alone, from any thread. After the scope was stopped op is not
  ///         started, and ends as operation_canceled.
  /// Cost    one block of the frame pool.
  template <sender_or_factory S>
  child<value_of<sender_of<S>>> spawn(S&& op, std::source_location where = std::source_location::current()) {
    using value = value_of<sender_of<S>>;
    const bool admitted = join_.admits();
    auto* made = new detail::scope_child<sender_of<S>>(join_, as_sender(std::forward<S>(op)), where);
    child<value> begun{future<value>(*made)};
    if (admitted)
      made->begin();
    else
      made->refuse();
    return begun;
  }

  template <class X>
    requires(!sender_or_factory<X>)
  detail::anything spawn(X&&) {
    return detail::takes_sender<X>();
  }

  /// Requests stop of the function, of all children, and of what is spawned from now on. Any thread. The
  /// scope completes as usual: with the value that the function returns in spite of the request, or with the
  /// cancellation that the function ends with.
  void request_stop() noexcept { join_.request_stop(); }
  /// The token of the function and of all children; valid until the scope has ended.
  [[nodiscard]] stop_token get_stop_token() noexcept { return join_.child_stop_token(); }

 private:
  template <class, class>
  friend class detail::scope_state;
  explicit scope(detail::scope_join& join) noexcept : join_(join) {}

  detail::scope_join& join_;
};

namespace detail {

template <class F>
struct scope_body {
  F* fn;
  scope* within;
  decltype(auto) operator()() const { return (*fn)(*within); }
};
template <class F>
auto body_sender(scope_body<F> body) {
  if constexpr (sender<std::invoke_result_t<F&, scope&>>)
    return defer(body);
  else
    return just_from(body);
}
template <class F>
using body_of = decltype(body_sender(std::declval<scope_body<F>>()));

template <class F, class R>
class scope_state final : public scope_join {
 public:
  using value_type = value_of<body_of<F>>;
  scope_state(F fn, R receiver)
      : fn_(std::move(fn)),
        receiver_(std::move(receiver)),
        body_(*this, 0, body_sender(scope_body<F>{&fn_, &scope_})) {}
  ~scope_state() { abandon(); }

  void start() noexcept {
    if (!open(receiver_.get_stop_token(), receiver_.frame()))
      return std::move(receiver_).finish(no_loop_error("with_scope"));
    body_.start();
    release();
  }

  void on_finish(const result<value_type>& body, std::size_t) noexcept {
    if (!body) body_failed(body.error());
  }

 private:
  void finish_receiver() noexcept override {
    R receiver = std::move(receiver_);
    if (failures().any()) return std::move(receiver).finish(std::move(failures()).first());
    result<value_type> ended = std::move(body_.ended_result());
    if (ended && cut_short())
      ended = error(std::make_error_code(std::errc::operation_canceled), "with_scope");
    if (!ended && stopped_by_request()) ended.error().set_requested(true);
    std::move(receiver).finish(std::move(ended));
  }

  F fn_;
  R receiver_;
  scope scope_{*this};
  join_child<scope_state, body_of<F>> body_;
};

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
  using value = value_of<detail::body_of<std::decay_t<F>>>;
  return detail::argument_sender<detail::scope_state, value, std::decay_t<F>>{{std::forward<F>(fn)}};
}

}  // namespace braid
