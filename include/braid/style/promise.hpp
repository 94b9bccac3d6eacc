#pragma once

#include <source_location>
#include <stdexcept>
#include <utility>

#include "braid/style/future.hpp"

namespace braid {

namespace detail {
template <class T>
struct promise_state final : future_state<T> {
  explicit promise_state(std::source_location where) noexcept
      : future_state<T>(loop::current_or_null(), where) {}
  void set_failure(error failure) noexcept {
    attach_stack(failure, this->frame());
    this->set(std::move(failure));
  }

 private:
  // Where the promise was dropped and its own future too, nobody is left who could care.
  void report_unseen() noexcept override {
    if (!this->ended() && this->ended().error() != errc::broken_promise) future_state<T>::report_unseen();
  }
};
}  // namespace detail

/// The other end of a future: settled by hand, once.
///
/// Lifetime  one that is dropped before it was settled settles as errc::broken_promise. Nobody is told when
///           its own future was dropped as well; an error that reached what then made of that future is told.
/// Threads   may be settled on any thread; the loop where its future is waited for must still live then.
///           The future of one is not work of a loop: loop::run() returns while it still waits,
///           loop::run(future) does not. For a callback API there is from_callback, which is work of its
///           loop.
/// Errors    one that set_error hands on says where the promise was made. Where the one who waited was
///           cancelled meanwhile (it timed out, lost a race, or its loop ended), nobody asks for the result
///           any more: it is dropped, be it an error. A second get_future, set_value or
///           set_error throws std::logic_error.
template <class T>
class promise {
 public:
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
      delete state_;  // nobody ever had the future: there is nobody to be told
    else if (state_ != nullptr)
      state_->set_failure(errc::broken_promise);
    else if (future_ != nullptr)
      future_->drop();
  }

  /// Once. The future is settled when this is.
  [[nodiscard]] future<T> get_future() {
    if (future_ == nullptr)
      throw std::logic_error("promise::get_future: the future was taken already, or the promise moved from");
    return future<T>(*std::exchange(future_, nullptr));
  }

  /// Settles the future. Any thread.
  template <class U = T>
    requires std::is_constructible_v<result<T>, U&&>
  void set_value(U&& value) {
    unsettled("promise::set_value");
    result<T> ended(std::forward<U>(value));  // may throw: then the promise is not settled
    std::exchange(state_, nullptr)->set(std::move(ended));
  }
  void set_value()
    requires std::is_void_v<T>
  {
    unsettled("promise::set_value");
    std::exchange(state_, nullptr)->set(result<T>());
  }
  /// Settles the future with a failure. Any thread.
  void set_error(error failure) {
    unsettled("promise::set_error");
    std::exchange(state_, nullptr)->set_failure(std::move(failure));
  }

 private:
  void unsettled(const char* call) const {
    if (state_ == nullptr)
      throw std::logic_error(std::string(call) + ": the promise was settled or moved from already");
  }
  detail::promise_state<T>* state_;  // until it is settled
  detail::future_state<T>* future_;  // the same, until get_future
};

/// A future that is settled already, with a value or with none (void).
template <class T>
[[nodiscard]] future<std::decay_t<T>> make_ready_future(T&& value) {
  promise<std::decay_t<T>> settled;
  auto made = settled.get_future();
  settled.set_value(std::forward<T>(value));
  return made;
}
[[nodiscard]] inline future<void> make_ready_future() {
  promise<void> settled;
  auto made = settled.get_future();
  settled.set_value();
  return made;
}

}  // namespace braid
