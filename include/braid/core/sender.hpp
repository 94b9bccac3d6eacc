#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "braid/base/result.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/core/stop_token.hpp"

namespace braid {

/// What a sender names as its sender_concept.
struct sender_tag {};

/// A lazy description of one asynchronous operation: a movable value that has done nothing yet.
/// Its value_type is what it completes with, void included.
template <class S>
concept sender = std::is_move_constructible_v<std::remove_cvref_t<S>> &&
                 std::same_as<typename std::remove_cvref_t<S>::sender_concept, sender_tag> &&
                 requires { typename std::remove_cvref_t<S>::value_type; };

/// One that does nothing before somebody waits for it, and then may need the function that it came from. A
/// sender that runs already says so by a constant of the name already_begun.
template <class S>
concept lazy_sender = sender<S> && !requires { requires std::remove_cvref_t<S>::already_begun; };

/// What a sender completes with.
template <sender S>
using value_of = typename std::remove_cvref_t<S>::value_type;

/// A sender may promise, by a constant of this name, that its operations are told from a turn of the loop
/// that they were started on: never within start(), and at that loop's end at the latest. Who waits then need
/// not look out for the other cases. (Started on a thread without a loop it says so at once all the same.)
template <class S>
inline constexpr bool completes_later = requires { requires std::remove_cvref_t<S>::completes_later; };

/// A sender may say, by a constant of this name, that it is a handle to one operation for which many may
/// wait: who is given an lvalue takes a copy.
template <class S>
inline constexpr bool awaited_by_copy = requires { requires std::remove_cvref_t<S>::awaited_by_copy; };

/// Who waits for an operation. Moved out of the operation state, then told once how the operation ended.
///
/// get_stop_token()  the token that the operation obeys.
/// frame()           the level of the asynchronous stack that waits, or null.
/// finish(result)    may destroy the operation state; on the loop's thread unless the sender says otherwise.
template <class R, class T>
concept receiver_of = std::is_move_constructible_v<R> && requires(R& r, const R& c, result<T> ended) {
  { std::move(r).finish(std::move(ended)) } noexcept;
  { c.get_stop_token() } noexcept -> std::same_as<stop_token>;
  { c.frame() } noexcept -> std::same_as<async_frame*>;
};

/// One operation on its way: immovable, in storage that its maker chose. start() is called at most once.
/// It may be destroyed before start(), and after its receiver was told; between the two, never.
template <class O>
concept operation_state =
    std::is_nothrow_destructible_v<O> && !std::is_move_constructible_v<O> && requires(O& o) {
      { o.start() } noexcept;
    };

/// Joins an operation to who waits for it. Nothing begins before start().
template <sender S, receiver_of<value_of<S>> R>
[[nodiscard]] operation_state auto connect(S&& s, R r) {
  static_assert(!std::is_lvalue_reference_v<S>, "a sender is used up by connecting it: std::move it");
  return std::move(s).connect(std::move(r));
}

/// The operation state of an S and an R.
template <sender S, class R>
using connected = decltype(connect(std::declval<std::remove_cvref_t<S>>(), std::declval<R>()));

}  // namespace braid
