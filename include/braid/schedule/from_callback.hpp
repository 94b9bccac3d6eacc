#pragma once

#include <concepts>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/detail/cancellation.hpp"
#include "braid/loop/detail/no_loop_error.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/detail/callback_link.hpp"

namespace braid {

/// The function that ends a from_callback operation: the callback API calls it with the value or an error.
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
      if ((!from && ...)) return settle(result<T>());  // Asio reports success by such a code
    return settle(result<T>(std::forward<From>(from)...));
  }
  template <class Failure>
    requires(!std::constructible_from<result<T>, Failure> && std::constructible_from<error, Failure>)
  bool operator()(Failure&& failure) const {
    return settle(result<T>(error(std::forward<Failure>(failure))));
  }

 private:
  template <class, class, class>
  friend class detail::callback_state;
  explicit callback_done(detail::callback_link<T>& link) noexcept : link_(&link) { link.add_done(); }
  bool settle(result<T>&& ended) const {
    if (link_ == nullptr) detail::misused("from_callback: a done that was moved from was called");
    return link_->settle(std::move(ended));
  }

  detail::callback_link<T>* link_;
};

namespace detail {

// The return type of a from_callback's function: void, or a function that cancels.
template <class F, class T>
using canceller_of = std::decay_t<std::invoke_result_t<F&, callback_done<T>>>;
template <class C>
concept canceller = std::is_void_v<C> || (std::move_constructible<C> && std::invocable<C&>);
template <class C>
using kept_canceller = std::conditional_t<std::is_void_v<C>, bool, std::optional<C>>;

template <class T, class F, class R>
class callback_state final : outside_work, callback_waiter, cancellation {
  using canceller_type = canceller_of<F, T>;

 public:
  callback_state(F f, R receiver) : f_(std::move(f)), receiver_(std::move(receiver)) {}
  ~callback_state() {
    if (link_ == nullptr) return;
    link_->leave();
    cancellation::drop();
    end_work();
    link_->drop();
  }

  void start() noexcept {
    home_ = loop::current_or_null();
    if (home_ == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error(name));
    if (home_->ending() || receiver_.get_stop_token().stop_requested()) [[unlikely]]
      return std::move(receiver_).finish(canceled());
    try {
      link_ = new callback_link<T>(*home_, *this);
    } catch (...) {
      return std::move(receiver_).finish(error::current());
    }
    home_->begin_outside(*this);
    begin();
    if (link_->started()) return finish();
    arm(receiver_.get_stop_token(), on_stop, on_resume);
  }

 private:
  static constexpr const char* name = "from_callback";
  static error canceled() noexcept {
    return error(std::make_error_code(std::errc::operation_canceled), name);
  }

  void begin() noexcept {
    const callback_done<T> done(*link_);  // keeps f's own copy from being the last one if f throws
    try {
      if constexpr (std::is_void_v<canceller_type>)
        f_(done);
      else
        cancel_.emplace(f_(done));
    } catch (...) {
      link_->settle(error::current());
    }
  }

  // Asks the API to end, or ends the operation without it. Called by a stop request and by the loop's end.
  void stop() noexcept override {
    if (std::exchange(stopped_, true) || link_->decided()) return;
    if constexpr (!std::is_void_v<canceller_type>) {
      if (cancel_) {
        try {
          if constexpr (std::is_same_v<std::invoke_result_t<canceller_type&>, bool>) {
            if (!(*cancel_)()) return;
          } else {
            (*cancel_)();
            return;
          }
        } catch (...) {
          link_->settle(error::current());
          return;
        }
      }
    }
    link_->settle(canceled());
  }
  static void on_stop(cancellation& base) noexcept { static_cast<callback_state&>(base).stop(); }

  void on_settled() noexcept override {
    if (disarm()) finish();
  }
  static void on_resume(cancellation& base) noexcept { static_cast<callback_state&>(base).finish(); }

  void end_work() noexcept { home_->end_outside(*this); }
  void finish() noexcept {
    end_work();
    R receiver = std::move(receiver_);
    result<T> ended = std::exchange(link_, nullptr)->take();
    std::move(receiver).finish(std::move(ended));
  }

  F f_;
  R receiver_;
  loop* home_ = nullptr;
  callback_link<T>* link_ = nullptr;  // from start until the operation finishes
  bool stopped_ = false;
  [[no_unique_address]] kept_canceller<canceller_type> cancel_{};
};

template <class T, class F>
struct callback_sender {
  using sender_concept = sender_tag;
  using value_type = T;
  F f;
  template <receiver_of<T> R>
  auto connect(R receiver) && {
    return callback_state<T, F, R>(std::move(f), std::move(receiver));
  }
};

}  // namespace detail

/// A sender for an operation of any callback API: f(done) begins it, and done(value) or done(error) ends it,
/// on any thread.
///
///     auto resolved = from_callback<address>([&](auto done) {
///       c_api_resolve(name, [done](int code, address found) {
///         code == 0 ? done(found) : done(std::error_code(code, c_api_category()));
///       });
///     });
///
/// A C function takes a context pointer: give it `new callback_done<T>(done)`, and delete that in the
/// callback.
///
/// Lifetime  f is kept until the operation has ended. `done` may be called even later; see callback_done.
/// Threads   f runs on the loop's thread when the operation is started, and the operation ends there. Unlike
///           a promise's future, the operation is work of its loop: run() continues until it has ended.
/// Errors    an exception of f, the error given to done, or errc::broken_promise if the last copy of done is
///           gone.
/// Cancel    f's return value decides:
///           - nothing: the operation ends at once as operation_canceled, and a later done changes nothing.
///             So the API must own the memory that it still writes into.
///           - a function that returns void: it is called once, on the loop's thread, and asks the API to end
///             soon. The operation ends when done is called, with done's argument.
///           - a function that returns bool: false means the same. true means that done will not be called
///             any more, and the operation ends at once.
///           The loop's end counts as a stop request. If stop was requested before the start, f never runs.
/// Cost      one recycled block; one delivery between threads if done is called on another thread.
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
