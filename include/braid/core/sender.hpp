#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "braid/base/result.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/core/stop_token.hpp"

namespace braid {

/// A sender's sender_concept is this type.
struct sender_tag {};

/// A lazy description of one asynchronous operation: a movable value that has done nothing yet.
/// Its value_type is what it completes with, void included.
///
///     struct answer {  // a sender of int by hand
///       using sender_concept = sender_tag;
///       using value_type = int;
///
///       template <receiver_of<int> R>
///       struct state : pinned {
///         explicit state(R r) : receiver(std::move(r)) {}
///         void start() noexcept {
///           R waits = std::move(receiver);  // finish may destroy this state
///           std::move(waits).finish(result<int>(42));
///         }
///         R receiver;
///       };
///       template <receiver_of<int> R>
///       operation_state auto connect(R r) && {
///         return state<R>(std::move(r));
///       }
///     };
///     static_assert(sender<answer>);
///     use(co_await answer{});
template <class S>
concept sender = std::is_move_constructible_v<std::remove_cvref_t<S>> &&
                 std::same_as<typename std::remove_cvref_t<S>::sender_concept, sender_tag> &&
                 requires { typename std::remove_cvref_t<S>::value_type; };

/// A sender whose operation begins only when it is awaited or given to a verb, and which then may need the
/// function that made it. A sender that runs already defines a constant already_begun.
///
///     static_assert(lazy_sender<task<int>> && !lazy_sender<future<int>>);
template <class S>
concept lazy_sender = sender<S> && !requires { requires std::remove_cvref_t<S>::already_begun; };

/// The type of value that a sender completes with.
///
///     static_assert(std::same_as<value_of<task<int>>, int>);
template <sender S>
using value_of = typename std::remove_cvref_t<S>::value_type;

/// With a constant of this name a sender promises that its operations finish in a turn of the loop on which
/// they were started: never within start(), and at that loop's end at the latest. Its receiver need not
/// handle the other cases. (On a thread without a loop the operation still fails within start().)
///
///     static_assert(completes_later<decltype(sleep_for(1s))>);
template <class S>
inline constexpr bool completes_later = requires { requires std::remove_cvref_t<S>::completes_later; };

/// With a constant of this name a sender promises that its operations end on the thread of the loop on which
/// they began. Its receiver need not be ready for an end elsewhere.
///
///     static_assert(ends_at_home<task<int>>);
template <class S>
inline constexpr bool ends_at_home =
    completes_later<S> || requires { requires std::remove_cvref_t<S>::ends_at_home; };

/// With a constant of this name a sender declares that it is a handle to one operation with any number of
/// waiters: a verb or an await that gets an lvalue of it copies the handle.
///
///     static_assert(awaited_by_copy<shared_task<int>> && !awaited_by_copy<task<int>>);
template <class S>
inline constexpr bool awaited_by_copy = requires { requires std::remove_cvref_t<S>::awaited_by_copy; };

/// The object that waits for an operation of T. The operation moves it out of its state, then calls finish
/// once, with the result.
///
///     struct to_log {
///       void finish(result<int> ended) && noexcept { use(ended); }
///       stop_token get_stop_token() const noexcept { return {}; }
///       async_frame* frame() const noexcept { return nullptr; }
///     };
///     static_assert(receiver_of<to_log, int>);
///
/// get_stop_token()  the token that the operation obeys.
/// frame()           the frame of the asynchronous stack that waits, or null.
/// finish(result)    may destroy the operation state; runs on the thread of the loop on which the operation
///                   was started. A sender that finishes elsewhere must say so; none of braid does.
template <class R, class T>
concept receiver_of = std::is_move_constructible_v<R> && requires(R& r, const R& c, result<T> ended) {
  { std::move(r).finish(std::move(ended)) } noexcept;
  { c.get_stop_token() } noexcept -> std::same_as<stop_token>;
  { c.frame() } noexcept -> std::same_as<async_frame*>;
};

/// One operation: immovable, in storage that its creator provides. start() is called at most once. It may be
/// destroyed before start() and after finish(); in between only when its loop ends. Then the destructor of an
/// operation that is neither a request nor a timer must take back what is on its way: see
/// operation_context::withdraw_ready and cancellation::drop.
///
///     static_assert(operation_state<answer::state<to_log>>);
template <class O>
concept operation_state =
    std::is_nothrow_destructible_v<O> && !std::is_move_constructible_v<O> && requires(O& o) {
      { o.start() } noexcept;
    };

/// Binds a sender to its receiver. Nothing begins before start().
///
///     auto state = connect(answer{}, to_log{});
///     state.start();  // calls to_log::finish
template <sender S, receiver_of<value_of<S>> R>
[[nodiscard]] operation_state auto connect(S&& s, R r) {
  static_assert(!std::is_lvalue_reference_v<S>, "a sender is used up by connecting it: std::move it");
  return std::move(s).connect(std::move(r));
}

/// The operation state that connect makes of an S and an R.
///
///     template <sender S, receiver_of<value_of<S>> R>
///     struct holder {
///       holder(S op, R waits) : inner(connect(std::move(op), std::move(waits))) {}
///       connected<S, R> inner;
///     };
template <sender S, class R>
using connected = decltype(connect(std::declval<std::remove_cvref_t<S>>(), std::declval<R>()));

}  // namespace braid
