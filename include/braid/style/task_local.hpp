#pragma once

#include <concepts>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/detail/asking_sender.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/style/detail/awaitable_sender.hpp"
#include "braid/style/detail/with_value_state.hpp"

namespace braid {

/// A value that flows down to the operations inside `with`, as a stop token does: the number of a request, a
/// tenant, a log level. It needs no parameter in the functions between.
///
///     inline const task_local<std::string> request_name("none");
///
///     task<> answer() { log(co_await request_name.get()); }  // "page 7"
///     task<> handle() { co_await with(request_name, "page 7", answer()); }
///
/// It flows into whatever the operation awaits: tasks, fibers, the operations of joins, and the children of a
/// scope that the operation opens. A generator and a shared task see the values of the task that waits for
/// them. What spawn, start, detach and run begin sees none, since it may outlive the value; give it one:
/// spawn(with(request_name, name, op)).
///
/// Lifetime  the task_local must outlive every use, so make it static.
/// Threads   any. A task that resume_on took to another loop sees the values of the tasks above it, but none
///           beyond a generator, a merge, a buffered or a shared task.
/// Cost      nothing where it is not used. Its address is the key.
template <std::copy_constructible T>
class task_local : pinned {
 public:
  /// `otherwise` is the value outside of every `with`.
  explicit task_local(T otherwise = {}) : otherwise_(std::move(otherwise)) {}

  /// A sender of T that completes at once: a copy of the value of the innermost `with` around the waiter. If
  /// T is expensive to copy, let it be a std::shared_ptr<const X>.
  ///
  /// Cost  a walk from the waiter to that `with`, five instructions a frame, and the copy.
  [[nodiscard]] auto get() const noexcept { return detail::asking_sender<detail::ask_task_local<T>>{{this}}; }
  [[nodiscard]] const T& otherwise() const noexcept { return otherwise_; }

 private:
  const T otherwise_;
};

/// Runs op with this value of the task_local. Completes with the result of op.
///
///     inline const task_local<int> log_level(1);
///
///     task<> with_details() { log(co_await with(log_level, 3, fetch("page"))); }
///
/// Cancel  reaches op.
/// Cost    the value and 32 bytes in the operation's state; no allocation.
template <std::copy_constructible T, class Value, sender_or_factory S>
  requires std::constructible_from<T, Value>
[[nodiscard]] auto with(const task_local<T>& local, Value&& value, S&& op) {
  return detail::argument_sender<detail::with_value_state, value_of<sender_of<S>>, const task_local<T>*, T,
                                 sender_of<S>>{
      {&local}, {T(std::forward<Value>(value))}, {as_sender(std::forward<S>(op))}};
}
template <std::copy_constructible T, class Value, class X>
  requires(!sender_or_factory<X>)
detail::anything with(const task_local<T>&, Value&&, X&&) {
  return detail::takes_sender<X>();
}

}  // namespace braid
