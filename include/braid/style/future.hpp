#pragma once

#include <atomic>
#include <concepts>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/base/detail/nested_call.hpp"
#include "braid/core/defer.hpp"
#include "braid/loop/blocking_wait.hpp"
#include "braid/loop/detail/cancellation.hpp"
#include "braid/style/detail/future_state.hpp"

namespace braid {

template <class T>
class future;

namespace detail {

template <class T, class R>
class future_operation;
template <class T, class F>
class future_link;
template <class T, class F>
class future_link_in_scope;

// The steps adapt the user's function to a result<T>: then sees values, catch_error errors, finally both.
template <class T, class F>
struct then_step {
  F f;
  auto operator()(result<T>&& ended) {
    if constexpr (std::is_void_v<T>)
      return f();
    else
      return f(*std::move(ended));
  }
  static bool concerns(const result<T>& ended) noexcept { return ended.has_value(); }
};
template <class T, class F>
struct catch_error_step {
  using value_type = T;
  F f;
  auto operator()(result<T>&& ended) { return f(std::move(ended).error()); }
  static bool concerns(const result<T>& ended) noexcept { return !ended.has_value(); }
};
template <class T, class F>
struct finally_step {
  using value_type = T;
  F f;
  T operator()(result<T>&& ended) {
    try {
      f();
    } catch (...) {
      if (ended || ended.error().is_requested_cancellation()) throw;
      error why = error::current();
      why.suppress(std::move(ended).error());
      why.rethrow();
    }
    return std::move(ended).value();
  }
  static bool concerns(const result<T>&) noexcept { return true; }
};

// A thread without a loop that blocks until a future is settled.
template <class T>
struct blocked_thread final : future_waiter {
  void woken() noexcept override {
    ready.store(true, std::memory_order_release);
    ready.notify_one();
  }
  std::atomic<bool> ready{false};
};

// The result as a waiter gets it: stop was requested of the future's operation, not of the waiter's own, so
// to the waiter a cancellation is an error like any other.
template <class T>
result<T> received(result<T>&& taken) noexcept {
  if (!taken) [[unlikely]]
    taken.error().set_requested(false);
  return std::move(taken);
}

template <class X>
struct flattened {
  using type = X;
};
template <sender X>
struct flattened<X> {
  using type = value_of<X>;
};
// The value type of a link's future.
template <class Step, class T>
struct link_value : flattened<std::remove_cvref_t<std::invoke_result_t<Step&, result<T>&&>>> {};
template <class Step, class T>
  requires requires { typename Step::value_type; }
struct link_value<Step, T> {
  using type = typename Step::value_type;
};

}  // namespace detail

/// The future value or error of an operation that already runs. It is a sender: co_await std::move(f),
/// when_all(…).
///
/// Lifetime  dropping it does not stop the operation; a lost error goes to the unhandled-error handler.
/// Threads   may be moved to another thread. then, catch_error and finally run their function on the loop of
///           the thread that called them, in a later turn, never within the call.
/// Errors    every function but valid() throws std::logic_error on a future that was moved from.
/// Cost      one recycled state per link of a chain.
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
  void request_stop() const { checked("future::request_stop").request_stop(); }

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

// One link of a chain: waits for the upstream state, runs its step, settles its own state.
template <class T, class Step>
class future_link : public future_state<typename link_value<Step, T>::type>, future_waiter {
  using returned = std::remove_cvref_t<std::invoke_result_t<Step&, result<T>&&>>;
  using value = typename link_value<Step, T>::type;
  static constexpr bool flattens = sender<returned>;

 public:
  future_link(future_state<T>& upstream, Step step, loop& home, std::source_location where)
      : future_state<value>(&home, where),
        future_waiter(on_finish, home),
        upstream_(&upstream),
        step_(std::move(step)) {}

  void begin(future_state<T>& upstream) noexcept {
    this->track();
    if (upstream.add_waiter(*this))
      settle_in();
    else
      on_settled();
  }

  bool request_stop() noexcept override {
    future_state<T>* const pending = loop::current_or_null() == &future_waiter::home() ? upstream_ : nullptr;
    if constexpr (flattens) inner_.stop.request_stop();  // reaches what the step has begun or will begin
    if (pending == nullptr) return flattens;
    bool heard = false;
    nested_call([&]() noexcept { heard = pending->request_stop(); });
    return heard;
  }

 protected:
  // The loop ends. Either the step's operation is pending; or upstream is; or upstream's result is just being
  // delivered, and then its error, if any, is kept.
  void abandon() noexcept override {
    if constexpr (flattens) {
      if (upstream_ == nullptr) {
        inner_.state.reset();
        if (!this->has_result()) return this->set(this->cut_off());
        this->withdraw_delivery();  // it ended on another thread meanwhile
        return this->settle();
      }
    }
    error why = this->cut_off();
    if (!upstream_->remove_waiter(*this)) {
      this->withdraw_delivery();
      if (result<T> taken = upstream_->take(); !taken) why = std::move(taken).error();
    }
    upstream_ = nullptr;
    this->set(std::move(why));
  }

 private:
  struct receiver {
    future_link* self;
    void finish(result<value> ended) && noexcept { self->end(std::move(ended)); }
    [[nodiscard]] stop_token get_stop_token() const noexcept { return self->inner_.stop.get_token(); }
    [[nodiscard]] async_frame* frame() const noexcept { return self->future_state<value>::frame(); }
  };
  struct nothing {};
  template <class X>
  struct flattening {
    stop_source stop;
    std::optional<connected<X, receiver>> state;
  };

  static void on_finish(braid::operation_base& base, completion) noexcept {
    auto& self = static_cast<future_link&>(future_waiter::from(base));
    self.move_out();
    self.step(*std::exchange(self.upstream_, nullptr));
  }

  void step(future_state<T>& upstream) noexcept {
    if (!Step::concerns(upstream.settled_result())) return pass_on(upstream.take());
    if constexpr (flattens) {
      try {
        inner_.state.emplace(elided{[&] { return connect(step_(upstream.take()), receiver{this}); }});
      } catch (...) {
        return end(error::current());
      }
      settle_in();  // again, since the step's operation may never end
      inner_.state->start();
    } else {
      // The value stays where it is until the step has used it.
      this->keep_made(
          [&] { return capture([&]() -> returned { return step_(std::move(upstream.settled_result())); }); });
      delete &upstream;
      if (!this->ended()) [[unlikely]]
        return settle_failed();
      this->settle();
    }
  }
  [[gnu::noinline]] void pass_on(result<T>&& ended) noexcept {
    if (this->belongs_to_scope()) [[unlikely]]
      pass_on_in_scope();
    if constexpr (std::is_same_v<T, value>)
      this->set(std::move(ended));
    else
      this->set(std::move(ended).error());
  }
  [[gnu::cold, gnu::noinline]] void settle_failed() noexcept {
    attach_stack(this->ended().error(), future_state<value>::frame());
    this->settle();
  }

  static void on_delivery(braid::operation_base& base, completion) noexcept {
    auto& self = static_cast<future_link&>(future_waiter::from(base));
    self.end(self.kept());
  }
  // Called when the operation that the step returned has ended. An error gets the place of the step.
  void end(result<value>&& ended) noexcept {
    if (loop::current_or_null() != &future_waiter::home()) {
      this->keep(std::move(ended));  // only the home loop's thread may change its list of residents
      return this->deliver(on_delivery);
    }
    move_out();
    if (!ended) [[unlikely]] {
      if (inner_.stop.stop_requested()) ended.error().set_requested(true);
      attach_stack(ended.error(), future_state<value>::frame());
    }
    this->set(std::move(ended));
  }

  virtual void pass_on_in_scope() noexcept {}  // the result skips the step

  future_state<T>* upstream_;
  [[no_unique_address]] Step step_;
  [[no_unique_address]] std::conditional_t<
      flattens, flattening<std::conditional_t<flattens, returned, nothing>>, nothing> inner_;
};

// A link behind a scope's child, or behind another such link. The scope stops the link, waits for it, and
// takes its step's error. An error that skips the step is known to the scope already.
template <class T, class Step>
class future_link_in_scope final : public future_link<T, Step> {
 public:
  [[gnu::cold, gnu::noinline]] static future_link_in_scope* make(future_state<T>& upstream, Step&& step,
                                                                 loop& home, std::source_location where) {
    return new future_link_in_scope(upstream, std::move(step), home, where);
  }
  std::unique_ptr<chain_hold> hold_for(future_state_base& link) override { return hold_->hold_for(link); }

 private:
  future_link_in_scope(future_state<T>& upstream, Step&& step, loop& home, std::source_location where)
      : future_link<T, Step>(upstream, std::move(step), home, where), hold_(upstream.hold_for(*this)) {
    this->belong_to_chain();
  }
  void pass_on_in_scope() noexcept override { passed_on_ = true; }
  chain_scope* ended_in_chain() noexcept override {
    const auto& ended = this->ended();
    chain_scope* const scope = hold_->link_ended(ended || passed_on_ ? nullptr : &ended.error());
    reported_ = passed_on_ || scope != nullptr;
    return scope;
  }
  void report_unseen() noexcept override {
    if (!reported_) future_link<T, Step>::report_unseen();
  }
  void abandon() noexcept override {
    hold_->abandon();
    future_link<T, Step>::abandon();
  }

  const std::unique_ptr<chain_hold> hold_;
  bool passed_on_ = false;
  bool reported_ = false;  // the scope has the error
};

// The operation of awaiting a future. A stop request goes on to the future's operation. If that operation
// does not listen, the waiter leaves the future and ends as cancelled.
template <class T, class R>
class future_operation final : future_waiter, cancellation {
 public:
  future_operation(future_state<T>* state, R receiver)
      : future_waiter(on_finish, loop::current("future")), state_(state), receiver_(std::move(receiver)) {}
  ~future_operation() {
    if (!waiting_) {
      if (state_ != nullptr) state_->drop();  // never waited for
      return;
    }
    cancellation::drop();
    if (state_ != nullptr && state_->remove_waiter(*this)) return;  // its settler owns it now
    withdraw_delivery();
    if (state_ != nullptr) (void)state_->take();  // drops the result
  }

  void start() noexcept {
    waiting_ = true;
    if (!state_->add_waiter(*this)) return on_settled();
    arm(receiver_.get_stop_token(), on_stop, on_resume);
  }

 private:
  static void on_finish(braid::operation_base& base, completion) noexcept {
    auto& self = static_cast<future_operation&>(future_waiter::from(base));
    self.waiting_ = false;
    if (self.disarm()) self.finish();
  }
  static void on_stop(cancellation& base) noexcept {
    auto& self = static_cast<future_operation&>(base);
    if (!self.waiting_ || self.state_->request_stop() || !self.state_->remove_waiter(self)) return;
    self.state_ = nullptr;  // its settler owns it now
    self.on_settled();
  }
  static void on_resume(cancellation& base) noexcept { static_cast<future_operation&>(base).finish(); }

  void finish() noexcept {
    R receiver = std::move(receiver_);
    if (state_ == nullptr) return std::move(receiver).finish(error(std::errc::operation_canceled));
    std::move(receiver).finish(received(std::exchange(state_, nullptr)->take()));
  }

  future_state<T>* state_;
  bool waiting_ = false;
  R receiver_;
};

}  // namespace detail

}  // namespace braid
