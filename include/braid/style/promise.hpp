#pragma once

#include <source_location>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "braid/core/stop_token.hpp"
#include "braid/style/detail/promise_state.hpp"
#include "braid/style/future.hpp"

namespace braid {

/// The settling end of a future: gives it a value or an error, once.
///
///     promise<int> asked;
///     future<int> answer = asked.get_future();
///     const std::jthread elsewhere([asked = std::move(asked)]() mutable { asked.set_value(42); });
///     use(co_await std::move(answer));
///
/// Lifetime  a promise that is dropped unsettled settles its future as errc::broken_promise. If the future
///           was dropped too, that error is not reported; if a link of the future was dropped, it is.
/// Threads   may be settled on any thread; the loop on which its future is awaited must still exist then.
///           The future is not work of a loop: loop::run() returns while it is pending, loop::run(future)
///           does not. For a callback API there is from_callback, which is work of its loop.
/// Errors    an error of set_error carries the place where the promise was made. If the waiter was cancelled
///           meanwhile (it timed out, lost a race, or its loop ended), the result is dropped, even an error.
///           A second get_future, set_value or set_error throws std::logic_error.
template <class T>
class promise {
 public:
  /// An error that the promise settles with shows `where` in its stack.
  promise(std::source_location where = std::source_location::current())
      : state_(new detail::promise_state<T>(where)), future_(state_) {}
  promise(promise&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)), future_(std::exchange(other.future_, nullptr)) {}
  promise& operator=(promise other) noexcept {
    std::swap(state_, other.state_);
    std::swap(future_, other.future_);
    return *this;
  }
  ~promise() {
    if (state_ != nullptr && future_ != nullptr)
      delete state_;  // get_future was never called: no waiter exists
    else if (state_ != nullptr)
      state_->set_failure(errc::broken_promise);
    else if (future_ != nullptr)
      future_->drop();
  }

  /// The future that this promise settles. Can be called once.
  [[nodiscard]] future<T> get_future() {
    if (future_ == nullptr)
      throw std::logic_error("promise::get_future: the future was taken already, or the promise moved from");
    return future<T>(*std::exchange(future_, nullptr));
  }

  /// False once the result is of no use: the future was dropped or asked to stop, its waiter was cancelled,
  /// or the promise was settled. Any thread.
  [[nodiscard]] bool is_wanted() const noexcept {
    return state_ != nullptr && !state_->unwanted().stop_requested();
  }
  /// A token that is asked to stop when the result becomes of no use, for the operation that makes the result
  /// or a stop_callback.
  ///
  ///     task<> settle(promise<std::string> asked) {
  ///       auto page = with_stop_token(fetch("page"), asked.get_stop_token());
  ///       std::string text = co_await std::move(page);  // cancelled if the future is dropped
  ///       asked.set_value(std::move(text));
  ///     }
  ///
  /// Lifetime  valid until the promise is settled or destroyed; a callback must be destroyed before that. An
  ///           empty token if it was settled already.
  /// Threads   a callback runs on the thread that drops the future, or cancels its waiter.
  [[nodiscard]] stop_token get_stop_token() noexcept {
    return state_ != nullptr ? state_->unwanted().get_token() : stop_token();
  }

  /// Settles the future with a value. Any thread.
  template <class U = T>
    requires std::is_constructible_v<result<T>, U&&>
  void set_value(U&& value) {
    require_unsettled("promise::set_value");
    result<T> ended(std::forward<U>(value));  // may throw: the promise stays unsettled
    std::exchange(state_, nullptr)->set(std::move(ended));
  }
  /// Settles the future of void.
  void set_value()
    requires std::is_void_v<T>
  {
    require_unsettled("promise::set_value");
    std::exchange(state_, nullptr)->set(result<T>());
  }
  /// Settles the future with a failure. Any thread.
  void set_error(error failure) {
    require_unsettled("promise::set_error");
    std::exchange(state_, nullptr)->set_failure(std::move(failure));
  }

 private:
  void require_unsettled(const char* call) const {
    if (state_ == nullptr)
      throw std::logic_error(std::string(call) + ": the promise was settled or moved from already");
  }
  detail::promise_state<T>* state_;  // null once it is settled
  detail::future_state<T>* future_;  // the same state; null once get_future was called
};

/// A future that is settled already, with the value or with void.
///
///     future<std::string> page = make_ready_future(std::string("from the cache"));
template <class T>
[[nodiscard]] future<std::decay_t<T>> make_ready_future(T&& value) {
  promise<std::decay_t<T>> settled;
  auto made = settled.get_future();
  settled.set_value(std::forward<T>(value));
  return made;
}
/// make_ready_future for void.
[[nodiscard]] inline future<void> make_ready_future() {
  promise<void> settled;
  auto made = settled.get_future();
  settled.set_value();
  return made;
}

}  // namespace braid
