#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/future.hpp"
#include "braid/sync/detail/claim_sender.hpp"
#include "braid/sync/detail/select_base.hpp"

namespace braid::detail {

// The end of an operation that goes on if the select chooses another one.
template <class T>
struct future_end {
  future<T>* of;
};

template <class T>
inline constexpr bool is_selectable = false;
template <sync_claim C>
inline constexpr bool is_selectable<claim_sender<C>> = true;
template <class Deadline>
inline constexpr bool is_selectable<sleep_sender<Deadline>> = true;
template <class T>
inline constexpr bool is_selectable<future_end<T>> = true;
template <class T>
inline constexpr bool is_selectable<std::optional<T>> = is_selectable<T>;

// One operation of a select.
//
// value_type           what it completes with
// number()             its number in the select
// enabled()            false if it takes no part
// try_now()            true if it could be done at once
// begin(covered)       begins to wait, unless covered(*this)
// covers(other)        true if the later operation `other` would add nothing
// leave_queue()        leaves its queue, chosen or not; hands over to no other waiter yet
// report_withdrawal()  hands over to the waiters that its leaving made room for
// take()               the result of the chosen one
template <class S>
class select_child;

// What a select asks of each of its arguments, answered for a single operation. select_range has the other
// answers.
template <class Child>
class single_branch {
 public:
  // Does it at once if its number is in [from, to) and it is possible; gives its number then.
  [[nodiscard]] std::size_t try_between(std::size_t from, std::size_t to) {
    const std::size_t mine = self().number();
    return from <= mine && mine < to && self().try_now() ? mine : select_base::none;
  }
  [[nodiscard]] bool contains(std::size_t number) noexcept { return number == self().number(); }
  [[nodiscard]] auto take_numbered(std::size_t) noexcept { return self().take(); }

 private:
  [[nodiscard]] Child& self() noexcept { return static_cast<Child&>(*this); }
};

template <sync_claim C>
class select_child<claim_sender<C>> final : claim_holder<C>,
                                            claimant<C>,
                                            public single_branch<select_child<claim_sender<C>>> {
 public:
  using value_type = typename C::value_type;
  static constexpr bool may_repeat = requires(const C& claim) { claim.repeats(claim); };

  select_child(select_base& owner, claim_sender<C>&& op)
      : claim_holder<C>{std::move(op).claim()}, claimant<C>(this->held, owner, owner.add()) {}

  using claimant<C>::number, claimant<C>::leave_queue, claimant<C>::report_withdrawal;
  [[nodiscard]] bool enabled() const noexcept { return true; }
  [[nodiscard]] bool try_now() { return this->held.try_now(); }
  template <class Covered>
  void begin(Covered covered) noexcept {
    if constexpr (may_repeat)
      if (covered(*this)) return;
    this->begin_to_wait();
  }
  template <class Other>
  [[nodiscard]] bool covers(const Other& other) const noexcept {
    if constexpr (may_repeat && std::is_same_v<Other, select_child>) return other.held.repeats(this->held);
    return false;
  }
  [[nodiscard]] result<value_type> take() noexcept {
    if (!this->end_wait() && this->has_failed()) return wait_error(&this->held);
    return take_result(this->held);
  }
};

template <class Deadline>
class select_child<sleep_sender<Deadline>> final
    : sleep_timer<Deadline>,
      public single_branch<select_child<sleep_sender<Deadline>>> {
 public:
  using value_type = void;
  static constexpr bool may_repeat = false;

  select_child(select_base& owner, sleep_sender<Deadline>&& op)
      : sleep_timer<Deadline>(std::move(op.when), on_end), owner_(owner), number_(owner.add()) {}

  [[nodiscard]] std::size_t number() const noexcept { return number_; }
  [[nodiscard]] bool enabled() const noexcept { return true; }
  [[nodiscard]] bool try_now() { return this->reached_already(); }
  template <class Covered>
  void begin(Covered) noexcept {
    owner_.waits_elsewhere();
    this->begin_on(owner_.home(), operation_context::no_frame());
  }
  [[nodiscard]] bool covers(const auto&) const noexcept { return false; }
  void leave_queue() noexcept { this->cancel(); }
  void report_withdrawal() const noexcept {}
  [[nodiscard]] result<void> take() const noexcept { return {}; }

 private:
  static void on_end(operation_base& base, completion with) noexcept {
    auto& self =
        static_cast<select_child&>(static_cast<sleep_timer<Deadline>&>(static_cast<timer_base&>(base)));
    if (self.owner_.has_decided()) return self.owner_.leaves_late();
    if (self.goes_on(with, operation_context::no_frame())) return;
    self.owner_.has_left();
    self.owner_.decide(with.result == 0 ? self.number_ : select_base::none);  // none: the loop ends
  }

  select_base& owner_;
  const std::size_t number_;
};

// A future may be settled on another thread while another operation is chosen: then its delivery is on its
// way, and the select ends when it has arrived. The result stays in the future.
template <class T>
class select_child<future_end<T>> final : future_waiter, public single_branch<select_child<future_end<T>>> {
 public:
  using value_type = T;
  static constexpr bool may_repeat = false;

  select_child(select_base& owner, future_end<T>&& op)
      : future_waiter(on_finish, loop::current("select")),
        owner_(owner),
        number_(owner.add()),
        future_(*op.of) {}
  ~select_child() {
    if (waits_ && !state_->withdraw_waiter(*this)) withdraw_delivery();
  }

  [[nodiscard]] std::size_t number() const noexcept { return number_; }
  [[nodiscard]] bool enabled() const noexcept { return future_.valid(); }
  [[nodiscard]] bool try_now() noexcept {
    state_ = future_access::state_of(future_);
    return state_ != nullptr && state_->is_settled();
  }
  template <class Covered>
  void begin(Covered) noexcept {
    if (state_ == nullptr) return;
    shared_ = state_->has_waiter();
    if (shared_) return owner_.decide(number_);
    waits_ = true;
    owner_.waits_elsewhere();
    if (!state_->add_waiter(*this)) on_settled();
  }
  [[nodiscard]] bool covers(const auto&) const noexcept { return false; }
  void leave_queue() noexcept {
    if (!waits_ || !state_->withdraw_waiter(*this)) return;
    waits_ = false;
    owner_.has_left();
  }
  void report_withdrawal() const noexcept {}
  [[nodiscard]] result<T> take() noexcept {
    if (shared_) return misuse_error("select: another operation waits for this future already");
    if (future_access::state_of(future_) != state_)
      return misuse_error("select: the future was moved while the select waited for it");
    future_access::release(future_);
    return received(state_->take());
  }

 private:
  static void on_finish(braid::operation_base& base, completion) noexcept {
    auto& self = static_cast<select_child&>(future_waiter::from(base));
    self.waits_ = false;
    if (self.owner_.has_decided()) return self.owner_.leaves_late();
    self.owner_.has_left();
    self.owner_.decide(self.number_);
  }

  select_base& owner_;
  const std::size_t number_;
  future<T>& future_;
  future_state<T>* state_ = nullptr;  // null if the future was moved from
  bool waits_ = false;
  bool shared_ = false;  // with another waiter, which is misuse
};

// An operation that may be disabled.
template <class S>
class select_child<std::optional<S>> final : public single_branch<select_child<std::optional<S>>> {
  using child = select_child<S>;

 public:
  using value_type = typename child::value_type;
  static constexpr bool may_repeat = child::may_repeat;

  select_child(select_base& owner, std::optional<S>&& op) {
    if (op)
      child_.emplace(owner, *std::move(op));
    else
      number_ = owner.add();
  }

  [[nodiscard]] std::size_t number() const noexcept { return child_ ? child_->number() : number_; }
  [[nodiscard]] bool enabled() const noexcept { return child_ && child_->enabled(); }
  [[nodiscard]] bool try_now() { return child_ && child_->try_now(); }
  template <class Covered>
  void begin(Covered covered) noexcept {
    if (child_) child_->begin(covered);
  }
  [[nodiscard]] bool covers(const auto& other) const noexcept { return child_ && child_->covers(other); }
  void leave_queue() noexcept {
    if (child_) child_->leave_queue();
  }
  void report_withdrawal() noexcept {
    if (child_) child_->report_withdrawal();
  }
  [[nodiscard]] result<value_type> take() noexcept { return child_->take(); }

 private:
  std::optional<child> child_;
  std::size_t number_ = 0;  // if it is disabled
};

}  // namespace braid::detail
