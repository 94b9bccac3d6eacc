#pragma once

#include <concepts>
#include <system_error>
#include <type_traits>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/schedule/detail/callback_link.hpp"
#include "braid/schedule/detail/callback_state.hpp"

namespace braid {

/// The function that ends a from_callback operation: the callback API calls it with the value or an error.
///
///     // A C library: void look_up(const char* name, void (*call_back)(void*, int address), void* context);
///     auto address_of(const char* name) {
///       return from_callback<int>([name](callback_done<int> done) {
///         const auto call_back = [](void* context, int address) {
///           const std::unique_ptr<callback_done<int>> ended(static_cast<callback_done<int>*>(context));
///           (*ended)(address);
///         };
///         look_up(name, call_back, new callback_done<int>(done));
///       });
///     }
///
/// Only the first call counts; it returns true. A later one returns false and changes nothing.
///
/// Lifetime  copies share one operation and may outlive it. If the last copy is destroyed without a call, the
///           operation fails with errc::broken_promise.
/// Threads   any, also after the operation and its loop have ended.
/// Errors    throws if the construction of a T from the arguments throws; the operation then goes on.
template <class T>
class callback_done {
 public:
  callback_done(const callback_done& other) noexcept : link_(other.link_) {
    if (link_ != nullptr) link_->add_done();
  }
  callback_done(callback_done&& other) noexcept : link_(std::exchange(other.link_, nullptr)) {}
  callback_done& operator=(callback_done other) noexcept {
    std::swap(link_, other.link_);
    return *this;
  }
  ~callback_done() {
    if (link_ != nullptr) link_->drop_done();
  }

  /// done() for void, done(value), done(result<T>), or done(failure) with anything that an error can be
  /// constructed from. For void a std::error_code of 0 is no failure.
  template <class... From>
    requires(std::is_void_v<T> && sizeof...(From) == 0) ||
            (sizeof...(From) > 0 && std::constructible_from<result<T>, From...>)
  bool operator()(From&&... from) const {
    if constexpr (std::is_void_v<T> && (std::same_as<std::remove_cvref_t<From>, std::error_code> && ...))
      if ((!from && ...)) return complete(result<T>());  // Asio reports success by such a code
    return complete(result<T>(std::forward<From>(from)...));
  }
  /// Ends the operation with an error.
  template <class Failure>
    requires(!std::constructible_from<result<T>, Failure> && std::constructible_from<error, Failure>)
  bool operator()(Failure&& failure) const {
    return complete(result<T>(error(std::forward<Failure>(failure))));
  }

 private:
  template <class, class, class>
  friend class detail::callback_state;
  explicit callback_done(detail::callback_link<T>& link) noexcept : link_(&link) { link.add_done(); }
  bool complete(result<T>&& ended) const {
    if (link_ == nullptr) detail::misused("from_callback: a done that was moved from was called");
    return link_->complete(std::move(ended));
  }

  detail::callback_link<T>* link_;
};

/// A sender for an operation of any callback API: f(done) begins it, and done(value) or done(error) ends it,
/// on any thread.
///
///     // Another library has: void measure(std::function<void(int failure, double degrees)> call_back);
///     auto temperature() {
///       return from_callback<double>([](auto done) {
///         measure([done](int failure, double degrees) {
///           failure == 0 ? done(degrees) : done(std::error_code(failure, std::generic_category()));
///         });
///       });
///     }
///     log(std::to_string(co_await temperature()));
///
/// A C function takes a context pointer: give it `new callback_done<T>(done)`, and delete that in the
/// callback.
///
/// Lifetime  f is kept until the operation has ended. `done` may be called even later; see callback_done.
/// Threads   f runs on the loop's thread when the operation is started, and the operation ends there. Unlike
///           a promise's future, the operation is work of its loop: run() continues until it has ended.
/// Errors    an exception of f or of the function that cancels, the error given to done, or
///           errc::broken_promise if the last copy of done is gone.
/// Cancel    f's return value decides:
///           - nothing: the operation ends at once as operation_canceled, and a later done changes nothing.
///             So the API must own the memory that it still writes into.
///           - a function that returns void: it is called once, on the loop's thread, and asks the API to end
///             soon. The operation ends when done is called, with done's argument.
///           - a function that returns bool: false means the same. true means that done will not be called
///             any more, and the operation ends at once.
///           The loop's end counts as a stop request. If stop was requested before the start, f never runs.
/// Cost      one block of the frame pool; one delivery between threads if done is called on another thread.
template <class T, class F>
  requires std::invocable<std::decay_t<F>&, callback_done<T>>
[[nodiscard]] auto from_callback(F&& f) {
  using returned = detail::canceller_of<std::decay_t<F>, T>;
  static_assert(
      !lazy_sender<returned>,
      "from_callback drops the sender that f returns: f begins the operation and returns nothing, or a "
      "function that cancels it");
  static_assert(
      lazy_sender<returned> || detail::canceller<returned>,
      "from_callback: f returns nothing, or a function without parameters that cancels the operation");
  return detail::callback_sender<T, std::decay_t<F>>{std::forward<F>(f)};
}

}  // namespace braid
