#pragma once

#include <utility>

#include "braid/base/result.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/core/stop_token.hpp"

namespace braid::detail {

/// The receiver of an operation inside a larger one, its owner: Owner::finish gets the result, and the
/// operation obeys Owner::child_stop_token() and is called from Owner::frame().
template <class Owner, class T>
struct inner_receiver {
  Owner* owner;
  void finish(result<T> ended) && noexcept { owner->finish(std::move(ended)); }
  [[nodiscard]] stop_token get_stop_token() const noexcept { return owner->child_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return owner->frame(); }
};

/// Is R the receiver of an await, and of no operation in between? Then the frame waits for nothing else.
template <class R>
inline constexpr bool is_awaited = false;
template <class Owner, class T>
inline constexpr bool is_awaited<inner_receiver<Owner, T>> = requires { requires Owner::is_await; };

}  // namespace braid::detail
