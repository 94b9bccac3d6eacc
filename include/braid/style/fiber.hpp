#pragma once

#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/core/defer.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/style/detail/awaitable_sender.hpp"
#include "braid/style/detail/fiber_state.hpp"

namespace braid {

/// A sender that runs f on a stack of its own, where await can wait for any sender, and completes with f's
/// return value.
///
///     const auto copy = [] {  // an ordinary function, which only looks as if it blocked
///       const std::string text = await(read_file("/etc/hostname"));
///       await(write_file("/tmp/hostname", text));
///       return text.size();
///     };
///     detach(in_fiber(copy));
///
/// Threads  f begins, and resumes after each await, on the loop's thread.
/// Errors   an exception of f, with the asynchronous stack; std::bad_alloc if no stack can be mapped.
/// Cancel   the stop token reaches every await in f.
/// Cost     two switches per await that does not complete at once; stacks are pooled.
template <class F>
  requires std::is_invocable_v<std::decay_t<F>&>
[[nodiscard]] auto in_fiber(F&& f, std::source_location where = std::source_location::current()) {
  static_assert(!lazy_sender<std::invoke_result_t<std::decay_t<F>&>>,
                "in_fiber does not wait for the sender that f returns: await it in f");
  using value = std::invoke_result_t<std::decay_t<F>&>;
  return detail::argument_sender<detail::fiber_state, value, std::decay_t<F>, std::source_location>{
      {std::forward<F>(f)}, {where}};
}

/// The fiber verb: suspends this fiber until op has ended, then returns op's value or throws its error.
///
///     std::string first_line(const file& from) {  // called in a fiber
///       std::array<char, 80> part;
///       const std::size_t got = await(from.read_some(part));
///       return std::string(part.data(), got);
///     }
///
/// Errors  op's; std::logic_error outside a fiber.
/// Cancel  throws operation_canceled. In a destructor that runs while an exception leaves the fiber, as at
///         the loop's end, throwing would terminate the program: there a cancelled await of void returns. For
///         an op with a value, and in other destructors, write await(as_result(op)), which never throws. An
///         await in a fiber that is unwound begins nothing.
/// Cost    op's state is on the fiber's stack.
template <sender_or_factory S>
value_of<sender_of<S>> await(S&& op, std::source_location where = std::source_location::current()) {
  fiber* self = fiber::current();
  if (self == nullptr)
    throw std::logic_error("await: this is no fiber; in a coroutine use co_await, else run(op)");
  if (!self->reach_await(where)) [[unlikely]]
    return fiber::cut_off_await<value_of<sender_of<S>>>();
  if constexpr (requires { std::forward<S>(op).waited_on(*self); }) {
    return std::forward<S>(op).waited_on(*self);
  } else {
    using waiter = detail::fiber_waiter<value_of<sender_of<S>>>;
    waiter waits(*self);
    auto state = connect(as_sender(std::forward<S>(op)), typename waiter::receiver{&waits});
    return waits.wait_for(state);
  }
}
template <class X>
  requires(!sender_or_factory<X>)
detail::anything await(X&&) {
  return detail::takes_sender<X>();
}

}  // namespace braid
