#pragma once

#include <new>
#include <optional>
#include <source_location>
#include <utility>

#include "braid/combine/detail/scope_chain.hpp"
#include "braid/combine/detail/scope_join.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"
#include "braid/style/detail/future_state.hpp"

namespace braid::detail {

// An operation that was spawned in a scope, and the state of its future.
//
// Lifetime  the operation ends before the scope does; the state lives as long as the future needs it.
// Threads   the home loop's; an operation that ends on another thread is delivered to the home loop.
template <sender S>
class scope_child final : public future_state<value_of<S>>,
                          resident,
                          public finishes_at_home<scope_child<S>> {
  using value_type = value_of<S>;

 public:
  scope_child(scope_join& scope, S&& op, std::source_location where, bool isolated)
      : future_state<value_type>(scope.home(), where), scope_(&scope) {
    this->belong_to_scope();
    if (isolated) {
      (void)scope.life();  // for leave_held, which must not fail then
      this->isolate();
    }
    this->frame()->parent = scope.frame();
    running_.emplace(*this, std::move(op));
  }

  ~scope_child() override {
    if (ended_) life_.~reference();
  }

  void begin() noexcept {
    scope_->enter(*this);
    this->track();
    running_->operation.start();
  }
  /// Ends as cancelled without starting the operation, because the scope was stopped or is ending.
  void refuse() noexcept {
    running_.reset();
    error why(std::make_error_code(std::errc::operation_canceled), "scope::spawn");
    why.set_requested(true);
    scope_join& scope = *scope_;
    scope.child_failed(why);
    leave_held();
    this->frame()->parent = nullptr;
    this->set(std::move(why));
  }
  bool request_stop(stop_reason why) noexcept override {
    stop(why);
    return true;
  }
  std::unique_ptr<chain_hold> hold_for(future_state_base& link) override {
    if (loop::current_or_null() != this->home()) return std::make_unique<scope_chain>(nullptr, link, false);
    if (lost_scope_) throw std::bad_alloc();
    return scope_chain::begin(ended_ ? life_.scope() : scope_, link, this->is_isolated());
  }

  // For the operation.
  void finish(result<value_type>&& ended) noexcept {
    this->keep(std::move(ended));
    this->finish_at_home();
  }
  [[nodiscard]] stop_token child_stop_token() noexcept { return stop_.get_token(); }
  using future_state<value_type>::frame, future_state<value_type>::home;
  void at_home() noexcept {
    if (stopping_) return this->home()->operations().make_ready(*this);
    report_finish();
  }

 private:
  using receiver = inner_receiver<scope_child, value_type>;
  struct on_scope_stop {
    scope_child* self;
    void operator()(stop_reason why) const noexcept { self->stop(why); }
  };

  void stop(stop_reason why) noexcept {
    if (loop::current_or_null() != this->home()) {
      stop_.request_stop(why);  // safe: the caller holds the future, or is scope_stops, which is waited for
      return;
    }
    const bool outer =
        std::exchange(stopping_, true);  // an operation that ends in this call must not destroy stop_
    stop_.request_stop(why);
    stopping_ = outer;
  }

  // Destroys everything that the child owned before it reports the end.
  void report_finish() noexcept {
    scope_join& scope = *scope_;
    running_.reset();
    this->unlink();
    if (result<value_type>& how = this->ended(); !how) {
      if (stop_.stop_requested() || this->home()->ending()) how.error().set_requested(true);
      how.error().set_stop_reason(stop_.reason());
      const bool requested = how.error().is_requested_cancellation();
      if (!requested) attach_stack(how.error(), this->frame());
      if (requested || !this->is_isolated()) scope.child_failed(how.error());
    }
    this->frame()->parent = nullptr;
    this->is_held() || this->is_isolated() ? leave_held() : leave({});
    this->settle();  // *this may be gone
    scope.release();
  }
  void abandon() noexcept override {
    running_.reset();
    leave({});
    if (this->in_flight())
      this->home()->operations().withdraw_ready(*this);
    else
      this->keep(this->cut_off());
    this->settle();
  }
  // Later chains need to know whether the scope still lives. Without memory for that, hold_for throws.
  void leave_held() noexcept {
    scope_life::reference life;
    try {
      if (scope_->living()) life = scope_->life();
    } catch (const std::bad_alloc&) {
      lost_scope_ = true;
    }
    leave(std::move(life));
  }
  // From here on the scope may end before this state does.
  void leave(scope_life::reference life) noexcept {
    ended_ = true;
    new (&life_) scope_life::reference(std::move(life));
  }
  // The scope has the error already, unless the child is isolated.
  void report_unseen() noexcept override {
    if (!this->is_isolated() || this->ended() || this->ended().error().is_requested_cancellation()) return;
    scope_join* const scope = loop::current_or_null() == this->home() ? life_.scope() : nullptr;
    if (scope == nullptr) return future_state<value_type>::report_unseen();
    scope->child_failed(this->ended().error());
  }

  struct running {
    running(scope_child& self, S&& op)
        : operation(connect(std::move(op), receiver{&self})),
          scope_stops(self.scope_->child_stop_token(), on_scope_stop{&self}) {}
    connected<S, receiver> operation;
    stop_callback<on_scope_stop> scope_stops;
  };

  // The first members fit into the padding of operation_base.
  bool ended_ = false;
  bool lost_scope_ = false;
  bool stopping_ = false;  // the home loop's thread
  union {
    scope_join* scope_;  // until the operation has ended
    scope_life::reference life_;  // then, if its future is still held
  };
  stop_source stop_;  // requested by the future or by the scope
  std::optional<running> running_;
};

}  // namespace braid::detail
