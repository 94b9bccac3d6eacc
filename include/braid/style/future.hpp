#pragma once

#include <atomic>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/blocking_wait.hpp"
#include "braid/style/detail/future_link.hpp"
#include "braid/style/detail/future_operation.hpp"

namespace braid {

namespace detail {
struct future_access;
}  // namespace detail

/// The future value or error of an operation that already runs. It is a sender: co_await std::move(f),
/// when_all(…). select(f, …) waits for it without taking it, as often as the program likes.
///
///     future<std::string> page = spawn(fetch("page"));  // runs already
///     future<std::size_t> size = std::move(page)
///                                    .then([](const std::string& text) { return text.size(); })
///                                    .catch_error([](const error&) { return std::size_t{0}; });
///     use(co_await std::move(size));
///
/// Lifetime  dropping it does not stop the operation; a lost error goes to the unhandled-error handler.
/// Threads   may be moved to another thread. then, catch_error and finally run their function on the loop of
///           the thread that called them, in a later turn, never within the call.
/// Errors    every function but valid() throws std::logic_error on a future that was moved from.
/// Cost      one block of the frame pool per link of a chain.
template <class T>
class [[nodiscard]] future {
 public:
  using sender_concept = sender_tag;
  using value_type = T;
  static constexpr bool already_begun = true;

  future(future&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  future& operator=(future other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~future() {
    if (state_ != nullptr) state_->drop();
  }

  /// False if the future was moved from.
  [[nodiscard]] bool valid() const noexcept { return state_ != nullptr; }
  /// Is the future settled, so that get would not block?
  [[nodiscard]] bool is_ready() const { return checked("future::is_ready").is_settled(); }

  /// Calls f(value); an error skips f. f returns a value, or a future or sender whose value the link gets.
  template <class F>
  auto then(F f, std::source_location where = std::source_location::current()) && {
    return link<detail::then_step<T, F>>("future::then", {std::move(f)}, where);
  }
  /// Calls f(error), which returns a T or throws; a value skips f.
  template <class F>
  future<T> catch_error(F f, std::source_location where = std::source_location::current()) && {
    return link<detail::catch_error_step<T, F>>("future::catch_error", {std::move(f)}, where);
  }
  /// Calls f() in either case. If f throws, its error replaces the result; an earlier error, unless it is a
  /// requested cancellation, is then in suppressed().
  template <class F>
  future<T> finally(F f, std::source_location where = std::source_location::current()) && {
    static_assert(!sender<std::invoke_result_t<F&>>,
                  "future::finally waits for nothing that f returns: use finally(std::move(future), f)");
    return link<detail::finally_step<T, F>>("future::finally", {std::move(f)}, where);
  }

  /// Requests stop of the operation. The future is still settled, as cancelled or with what was achieved. An
  /// operation that a link begins after the request ends as cancelled if it would wait. The future of spawn
  /// accepts a request from any thread; a link's future forwards it upstream on its loop's thread only.
  void request_stop(stop_reason why = stop_reason::requested) const {
    (void)checked("future::request_stop").request_stop(why);
  }

  /// Blocks this thread until the future is settled, then returns its value or throws its error.
  /// Throws std::logic_error on a loop's thread: use loop.run(std::move(f)), then or co_await there. A thread
  /// of the blocking pool is replaced by another one meanwhile; std::system_error if none is left (see
  /// blocking_wait).
  T get() && {
    checked("future::get");
    if (loop::current_or_null() != nullptr)
      throw std::logic_error(
          "future::get: this thread has a loop, which blocking would stop; co_await the future");
    const blocking_wait here("future::get");
    detail::blocked_thread<T> thread;
    if (state_->add_waiter(thread)) thread.ready.wait(false, std::memory_order_acquire);
    return detail::received(std::exchange(state_, nullptr)->take()).value();
  }

  template <receiver_of<T> R>
  auto connect(R receiver) && {
    checked("future");
    (void)loop::current("future");  // throws before the state is given away
    return detail::future_operation<T, R>(std::exchange(state_, nullptr), std::move(receiver));
  }

  /// For the verbs and promise: takes over the future's side of the state.
  explicit future(detail::future_state<T>& state) noexcept : state_(&state) {}

 private:
  friend detail::future_access;
  detail::future_state<T>& checked(const char* call) const {
    if (state_ == nullptr) throw std::logic_error(std::string(call) + ": the future was moved from");
    return *state_;
  }
  template <class Step>
  auto link(const char* call, Step step, std::source_location where) {
    using value = typename detail::link_value<Step, T>::type;
    checked(call);
    loop& home = loop::current(call);
    detail::future_link<T, Step>* const next =
        state_->belongs_to_scope()
            ? detail::future_link_in_scope<T, Step>::make(*state_, std::move(step), home, where)
            : new detail::future_link<T, Step>(*state_, std::move(step), home, where);
    detail::future_state<T>& upstream = *std::exchange(state_, nullptr);
    future<value> made(*next);
    next->begin(upstream);
    return made;
  }

  detail::future_state<T>* state_;
};

namespace detail {
// For an operation that waits for a future without taking it.
struct future_access {
  // Null if the future was moved from.
  template <class T>
  [[nodiscard]] static future_state<T>* state_of(const future<T>& of) noexcept {
    return of.state_;
  }
  // The future is moved from, and the caller owns its state.
  template <class T>
  static void release(future<T>& of) noexcept {
    of.state_ = nullptr;
  }
};
}  // namespace detail

}  // namespace braid
