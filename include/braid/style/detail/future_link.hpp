#pragma once

#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "braid/base/detail/nested_call.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/sender.hpp"
#include "braid/style/detail/future_state.hpp"

namespace braid::detail {

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
      join_residents();
    else
      on_settled();
  }

  bool request_stop(stop_reason why) noexcept override {
    future_state<T>* const pending = loop::current_or_null() == &future_waiter::home() ? upstream_ : nullptr;
    if constexpr (flattens) inner_.stop.request_stop(why);  // reaches what the step has begun or will begin
    if (pending == nullptr) return flattens;
    bool heard = false;
    nested_call([&]() noexcept { heard = pending->request_stop(why); });
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
    self.leave_residents();
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
      join_residents();  // again, since the step's operation may never end
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
    leave_residents();
    if (!ended) [[unlikely]] {
      if (inner_.stop.stop_requested()) ended.error().set_requested(true);
      ended.error().set_stop_reason(inner_.stop.reason());
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
// takes its step's error. An error that skips the step is known to the scope already. Behind an isolated
// child the scope takes an error only if the future of the last link is dropped with it.
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
    reported_ = !hold_->is_isolated() && (passed_on_ || scope != nullptr);
    return scope;
  }
  void report_unseen() noexcept override {
    const auto& ended = this->ended();
    if (reported_ || ended) return;
    if (hold_->is_isolated() && loop::current_or_null() == future_state_base::home() &&
        hold_->take_unseen(ended.error()))
      return;
    future_link<T, Step>::report_unseen();
  }
  void abandon() noexcept override {
    hold_->abandon();
    future_link<T, Step>::abandon();
  }

  const std::unique_ptr<chain_hold> hold_;
  bool passed_on_ = false;
  bool reported_ = false;  // the scope has the error
};

}  // namespace braid::detail
