#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "braid/core/any_result.hpp"
#include "braid/core/defer.hpp"
#include "braid/loop/timer_queue.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sync/waiting.hpp"

namespace braid {

namespace detail {

// One choice is made, or none. It is told in a turn of its own, once every timer that was not chosen has
// ended.
class select_base : operation_base, cancellation {
 public:
  static constexpr std::size_t none = ~std::size_t{0};

  // From a choice that may be made, or from a stop request. The others cannot be made from now on.
  void choose(std::size_t index) noexcept {
    chosen_ = true;
    choice_ = index;
    withdraw_all_but(index);
    if (timers_ == 0) home_->make_ready(*this);
  }
  [[nodiscard]] bool has_chosen() const noexcept { return chosen_; }
  [[nodiscard]] loop& home() const noexcept { return *home_; }
  void timer_began() noexcept { ++timers_; }
  void timer_ended() noexcept { --timers_; }
  void timer_was_withdrawn() noexcept {
    timer_ended();
    if (timers_ == 0) home_->make_ready(*this);
  }

 protected:
  select_base() noexcept : operation_base(come) {}
  ~select_base() {
    cancellation::forget();
    if (in_flight()) home_->forget(*this);
  }
  void begin_on(loop& home) noexcept { home_ = &home; }
  void obey(stop_token token) noexcept { arm(token, cancel, resumed); }
  [[nodiscard]] std::size_t choice() const noexcept { return choice_; }
  virtual void withdraw_all_but(std::size_t index) noexcept = 0;
  virtual void complete() noexcept = 0;

 private:
  static void come(operation_base& base, completion) noexcept {
    auto& self = static_cast<select_base&>(base);
    if (self.disarm()) self.complete();
  }
  static void cancel(cancellation& base) noexcept {
    auto& self = static_cast<select_base&>(base);
    if (!self.chosen_) self.choose(none);
  }
  static void resumed(cancellation& base) noexcept { static_cast<select_base&>(base).complete(); }

  loop* home_ = nullptr;
  std::size_t choice_ = none;
  std::size_t timers_ = 0;  // in flight
  bool chosen_ = false;
};

// One of the choices.
template <class S>
class select_child;

template <sync_claim C>
class select_child<claim_sender<C>> final : claim_holder<C>, sync_group, claimant<C> {
 public:
  using value_type = typename C::value_type;
  select_child(select_base& owner, std::size_t index, claim_sender<C>&& op)
      : claim_holder<C>{std::move(op).claim()},
        claimant<C>(this->held, static_cast<sync_group&>(*this)),
        owner_(owner),
        index_(index) {}

  [[nodiscard]] bool try_now() { return this->held.try_pass(); }
  void begin() noexcept { this->wait({}); }
  using claimant<C>::withdraw;
  [[nodiscard]] result<value_type> take() noexcept {
    (void)this->take_pass();
    return take_result(this->held);
  }

 private:
  void passed(sync_waiter&) noexcept override { owner_.choose(index_); }

  select_base& owner_;
  const std::size_t index_;
};

template <class Deadline>
class select_child<sleep_sender<Deadline>> final : timer_base {
 public:
  using value_type = void;
  select_child(select_base& owner, std::size_t index, sleep_sender<Deadline>&& op)
      : timer_base(ended), owner_(owner), index_(index), when_(std::move(op.when)) {}

  [[nodiscard]] bool try_now() const noexcept { return false; }
  void begin() noexcept {
    owner_.timer_began();
    queued_ = true;
    owner_.home().add(*this, when_());
  }
  void withdraw() noexcept {
    if (std::exchange(queued_, false)) owner_.home().cancel(*this);
  }
  [[nodiscard]] result<void> take() const noexcept { return {}; }

 private:
  static void ended(operation_base& base, completion with) noexcept {
    auto& self = static_cast<select_child&>(static_cast<timer_base&>(base));
    self.queued_ = false;
    if (self.owner_.has_chosen()) return self.owner_.timer_was_withdrawn();
    self.owner_.timer_ended();
    self.owner_.choose(with.result == 0 ? self.index_ : select_base::none);  // none: the loop ends
  }

  select_base& owner_;
  const std::size_t index_;
  Deadline when_;
  bool queued_ = false;
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
    (child<I>().begin(), ...);
    obey(receiver_.get_stop_token());
  }

 private:
  template <std::size_t J>
  [[nodiscard]] auto& child() noexcept {
    return std::get<J>(children_);
  }
  void withdraw_all_but(std::size_t index) noexcept override {
    ((I == index ? void() : child<I>().withdraw()), ...);
  }
  void complete() noexcept override { finish(choice()); }
  void finish(std::size_t index) noexcept {
    const bool made = ((I == index ? (finish_with<I>(), true) : false) || ...);
    if (made) return;  // and *this may be gone
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

}  // namespace detail

/// Exactly one of several operations, the first that can be done: {index, value} as when_any, but the others
/// have not happened at all. No element is received and dropped, no lock taken for nothing. Where several can
/// be done at once, the first of the arguments is.
///
/// Takes what can be left undone up to the last moment: what a channel, a broadcast, a watch, a mutex and
/// their kin wait for, and sleeps.
/// Errors  the chosen operation's.
/// Cancel  none happens.
/// Cost    no allocation; all operation states are in this one.
template <sender... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto select(S&&... ops) {
  static_assert(
      (detail::selectable<std::remove_cvref_t<S>> && ...),
      "select: an operation that may have happened before it is stopped cannot be left undone: use when_any, "
      "or let a task send its result through a channel");
  return detail::select_sender<std::remove_cvref_t<S>...>{{std::forward<S>(ops)...}};
}

}  // namespace braid
