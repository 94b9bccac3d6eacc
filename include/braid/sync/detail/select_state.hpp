#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "braid/base/detail/assert.hpp"
#include "braid/core/any_result.hpp"
#include "braid/core/defer.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sync/detail/claim_sender.hpp"

namespace braid::detail {

// The part of a select that does not depend on its operations. It decides for the first one that gets what it
// waits for, or for none when stop is requested or the loop ends. It finishes in a later turn, once the
// timers that were not chosen have ended.
class select_base : public sync_group, operation_base, cancellation {
 public:
  static constexpr std::size_t none = ~std::size_t{0};

  // Called when a claim is handed over, a timer ends, or a stop is requested.
  void decide(std::size_t index) noexcept final {
    BRAID_ASSERT(!decided_);
    decided_ = true;
    choice_ = index;
    deferred_withdrawals others;
    leave_queues();
    others.later(*this);
    if (timers_ == 0) home_->operations().make_ready(*this);
  }
  [[nodiscard]] bool has_decided() const noexcept { return decided_; }
  [[nodiscard]] loop& home() const noexcept { return *home_; }
  void timer_began() noexcept { ++timers_; }
  void timer_ended() noexcept { --timers_; }
  void timer_was_withdrawn() noexcept {
    timer_ended();
    if (timers_ == 0) home_->operations().make_ready(*this);
  }

 protected:
  select_base() noexcept : operation_base(on_ready) {}
  ~select_base() {
    cancellation::drop();
    if (in_flight()) home_->operations().withdraw_ready(*this);
  }
  void begin_on(loop& home) noexcept { home_ = &home; }
  void obey(stop_token token) noexcept { arm(token, on_stop, on_late_stop); }
  [[nodiscard]] std::size_t choice() const noexcept { return choice_; }
  // Removes every waiting claim from its queue and cancels every timer.
  virtual void leave_queues() noexcept = 0;
  virtual void complete() noexcept = 0;

 private:
  static void on_ready(operation_base& base, completion) noexcept {
    auto& self = static_cast<select_base&>(base);
    if (self.disarm()) self.complete();
  }
  static void on_stop(cancellation& base) noexcept {
    auto& self = static_cast<select_base&>(base);
    if (!self.decided_) self.decide(none);
  }
  static void on_late_stop(cancellation& base) noexcept { static_cast<select_base&>(base).complete(); }

  loop* home_ = nullptr;
  std::size_t choice_ = none;
  std::size_t timers_ = 0;  // in flight
  bool decided_ = false;
};

// One of the operations of a select.
//
// try_now()            true if it could be done at once
// begin()              begins to wait
// leave_queue()        leaves its queue, chosen or not; hands over to no other waiter yet
// report_withdrawal()  hands over to the waiters that its leaving made room for
// take()               the result of the chosen one
template <class S>
class select_child;

template <sync_claim C>
class select_child<claim_sender<C>> final : claim_holder<C>, claimant<C> {
 public:
  using value_type = typename C::value_type;
  select_child(select_base& owner, std::size_t index, claim_sender<C>&& op)
      : claim_holder<C>{std::move(op).claim()}, claimant<C>(this->held, owner, index) {}

  [[nodiscard]] bool try_now() { return this->held.try_now(); }
  void begin() noexcept { this->begin_to_wait(); }
  template <class Other>
  [[nodiscard]] bool repeats(const Other& earlier) const noexcept {
    if constexpr (requires { this->held.repeats(earlier.held); }) return this->held.repeats(earlier.held);
    return false;
  }
  using claimant<C>::leave_queue, claimant<C>::report_withdrawal;
  [[nodiscard]] result<value_type> take() noexcept {
    if (!this->end_wait() && this->has_failed()) return wait_error(&this->held);
    return take_result(this->held);
  }

 private:
  template <class>
  friend class select_child;
};

template <class Deadline>
class select_child<sleep_sender<Deadline>> final : sleep_timer<Deadline> {
 public:
  using value_type = void;
  select_child(select_base& owner, std::size_t index, sleep_sender<Deadline>&& op)
      : sleep_timer<Deadline>(std::move(op.when), on_end), owner_(owner), index_(index) {}

  [[nodiscard]] bool try_now() { return this->reached_already(); }
  void begin() noexcept {
    owner_.timer_began();
    this->begin_on(owner_.home(), operation_context::no_frame());
  }
  template <class Other>
  [[nodiscard]] bool repeats(const Other&) const noexcept {
    return false;
  }
  void leave_queue() noexcept { this->cancel(); }
  void report_withdrawal() const noexcept {}
  [[nodiscard]] result<void> take() const noexcept { return {}; }

 private:
  static void on_end(operation_base& base, completion with) noexcept {
    auto& self =
        static_cast<select_child&>(static_cast<sleep_timer<Deadline>&>(static_cast<timer_base&>(base)));
    if (self.owner_.has_decided()) return self.owner_.timer_was_withdrawn();
    if (self.goes_on(with, operation_context::no_frame())) return;
    self.owner_.timer_ended();
    self.owner_.decide(with.result == 0 ? self.index_ : select_base::none);  // none: the loop ends
  }

  select_base& owner_;
  const std::size_t index_;
};

template <class S>
inline constexpr bool selectable = false;
template <sync_claim C>
inline constexpr bool selectable<claim_sender<C>> = true;
template <class Deadline>
inline constexpr bool selectable<sleep_sender<Deadline>> = true;

template <class R, class Indices, sender... S>
class select_state;
template <class R, std::size_t... I, sender... S>
class select_state<R, std::index_sequence<I...>, S...> final : public select_base {
 public:
  using value_type = any_result<std::variant<regular<value_of<S>>...>>;
  select_state(std::tuple<S...>&& ops, R receiver)
      : receiver_(std::move(receiver)),
        children_(elided{[&] { return select_child<S>(*this, I, std::get<I>(std::move(ops))); }}...) {}

  ~select_state() { leave_queues(); }  // all of them, before one hands over to others

  void start() noexcept {
    loop* const home = loop::current_or_null();
    if (home == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error("select"));
    begin_on(*home);
    std::size_t now = none;
    try {
      (void)((child<I>().try_now() ? (now = I, true) : false) || ...);
    } catch (...) {
      return std::move(receiver_).finish(error::current());
    }
    if (now != none) return finish(now);
    begin_all();
    obey(receiver_.get_stop_token());
  }

 private:
  template <std::size_t J>
  [[nodiscard]] auto& child() noexcept {
    return std::get<J>(children_);
  }
  void begin_all() noexcept {
    const deferred_withdrawals afterwards;  // a wait that begins may lead to a hand-over to one of these
    (begin<I>(), ...);
  }
  template <std::size_t J>
  void begin() noexcept {
    if (has_decided()) return;  // the wait of an earlier child led to the decision
    if (!(repeats<J, I>() || ...)) child<J>().begin();
  }
  template <std::size_t J, std::size_t Earlier>
  [[nodiscard]] bool repeats() noexcept {
    using children = std::tuple<S...>;
    if constexpr (Earlier < J)
      if constexpr (std::is_same_v<std::tuple_element_t<J, children>,
                                   std::tuple_element_t<Earlier, children>>)
        return child<J>().repeats(child<Earlier>());
    return false;
  }
  void leave_queues() noexcept override { (child<I>().leave_queue(), ...); }
  void report_withdrawals() noexcept override { (child<I>().report_withdrawal(), ...); }
  void complete() noexcept override { finish(choice()); }
  void finish(std::size_t index) noexcept {
    const bool made = ((I == index ? (finish_with<I>(), true) : false) || ...);
    if (made) return;  // *this may be gone
    R receiver = std::move(receiver_);
    std::move(receiver).finish(error(std::make_error_code(std::errc::operation_canceled), "select"));
  }
  template <std::size_t J>
  void finish_with() noexcept {
    R receiver = std::move(receiver_);
    std::move(receiver).finish(taken<J>());
  }
  template <std::size_t J>
  [[nodiscard]] result<value_type> taken() noexcept {
    auto value = child<J>().take();
    if (!value) return std::move(value).error();
    return capture([&] {
      if constexpr (std::is_void_v<value_of<std::tuple_element_t<J, std::tuple<S...>>>>)
        return value_type{J, decltype(value_type::value)(std::in_place_index<J>)};
      else
        return value_type{J, decltype(value_type::value)(std::in_place_index<J>, *std::move(value))};
    });
  }

  R receiver_;
  std::tuple<select_child<S>...> children_;
};

template <sender... S>
struct select_sender {
  using sender_concept = sender_tag;
  using value_type = any_result<std::variant<regular<value_of<S>>...>>;
  std::tuple<S...> ops;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return select_state<R, std::index_sequence_for<S...>, S...>(std::move(ops), std::move(receiver));
  }
};

}  // namespace braid::detail
