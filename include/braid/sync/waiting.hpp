#pragma once

#include <concepts>
#include <coroutine>
#include <new>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/io_sender.hpp"
#include "braid/loop/loop.hpp"
#include "braid/sync/waiter.hpp"

namespace braid::detail {

// What one asks of a synchronisation object, and what one has got.
//
// try_pass()   passes at once, where that is possible and nobody waits who came before
// waiters()    else, once, when it begins to wait: the object's queue, from which it lets pass by
//              sync_waiter::pass
// take()       once passed: what the asker gets
// give_back()  undoes a passing that nobody made use of; no-op where there is nothing to undo
// left()       optional: it has left the queue, and has not passed
// failed()     optional: it passed without what it asked for, and failure() says why
// name         the call, for messages
template <class C>
concept sync_claim = std::move_constructible<C> && requires(C& c) {
  typename C::value_type;
  { C::name } -> std::convertible_to<const char*>;
  { c.try_pass() } -> std::same_as<bool>;
  { c.waiters() } noexcept -> std::same_as<waiter_queue&>;
  { c.take() } -> std::same_as<typename C::value_type>;
  { c.give_back() } noexcept;
};

template <class C>
[[gnu::cold, gnu::noinline]] error claim_canceled() {
  return error(std::make_error_code(std::errc::operation_canceled), C::name);
}

// A claim that waits. Who lets it pass finds the claim here, and may put into it what was asked for.
template <sync_claim C>
class claimant : public sync_waiter {
 public:
  [[nodiscard]] static C& claim_of(sync_waiter& waiter) noexcept {
    return static_cast<claimant&>(waiter).claim_;
  }

 protected:
  claimant(C& claim, told_fn& told) noexcept : sync_waiter(told, left), claim_(claim) {}
  claimant(C& claim, sync_group& group) noexcept : sync_waiter(group, left), claim_(claim) {}
  ~claimant() { withdraw(); }

  void withdraw() noexcept {
    if (leave()) claim_.give_back();
  }
  void wait(stop_token token) noexcept { wait_in(claim_.waiters(), token); }

  [[nodiscard]] C& claim() noexcept { return claim_; }

 private:
  static void left(sync_waiter& self) noexcept {
    if constexpr (requires(C& claim) { claim.left(); }) claim_of(self).left();
  }
  C& claim_;
};

template <sync_claim C>
[[nodiscard]] result<typename C::value_type> take_result(C& claim) noexcept {
  if constexpr (requires { claim.failed(); })
    if (claim.failed()) return claim.failure();
  return capture([&]() -> typename C::value_type { return claim.take(); });
}

template <sync_claim C>
struct claim_holder {
  C held;
};

template <sync_claim C, class R>
class claim_state final : claim_holder<C>, claimant<C> {
 public:
  claim_state(C&& claim, R receiver) noexcept
      : claim_holder<C>{std::move(claim)}, claimant<C>(this->held, told), receiver_(std::move(receiver)) {}

  void start() noexcept {
    if (loop::current_or_null() == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error(C::name));
    try {
      if (this->held.try_pass()) return finish();
    } catch (...) {
      return std::move(receiver_).finish(error::current());
    }
    this->wait(receiver_.get_stop_token());
  }

 private:
  static void told(sync_waiter& waiter) {
    auto& self = static_cast<claim_state&>(waiter);
    if (self.take_pass()) return self.finish();
    R receiver = std::move(self.receiver_);
    std::move(receiver).finish(claim_canceled<C>());
  }
  void finish() noexcept {
    R receiver = std::move(receiver_);
    std::move(receiver).finish(take_result(this->held));
  }

  R receiver_;
};

// In a coroutine, whose frame keeps the claim until the await has ended. To pass at once is no more than the
// question whether one may: the waiter is made when one has to wait.
template <sync_claim C>
class claim_awaiter : pinned {
 public:
  explicit claim_awaiter(C& claim) noexcept : claim_(claim) {}
  ~claim_awaiter() {
    if (waits_) [[unlikely]]
      waiter_.~waiter();
  }

  [[nodiscard]] bool await_ready() {
    if (claim_.try_pass()) return true;
    if (loop::current_or_null() == nullptr) [[unlikely]]
      no_loop_error(C::name).rethrow();
    return false;
  }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    awaiting.promise().note_await();
    waits_ = true;
    new (&waiter_) waiter(claim_, awaiting);
    waiter_.wait(awaiting.promise().get_stop_token());
  }
  typename C::value_type await_resume() {
    if (waits_ && !waiter_.take_pass()) [[unlikely]]
      claim_canceled<C>().rethrow();
    if constexpr (requires { claim_.failed(); })
      if (claim_.failed()) [[unlikely]]
        claim_.failure().rethrow();
    return claim_.take();
  }

 private:
  struct waiter final : claimant<C> {
    waiter(C& claim, std::coroutine_handle<> who) noexcept : claimant<C>(claim, told), awaiting(who) {}
    static void told(sync_waiter& self) { static_cast<waiter&>(self).awaiting.resume(); }
    using claimant<C>::wait, claimant<C>::take_pass;
    std::coroutine_handle<> awaiting;
  };

  C& claim_;
  bool waits_ = false;
  union {
    waiter waiter_;  // while waits_
  };
};

template <sync_claim C>
class claim_sender {
 public:
  using sender_concept = sender_tag;
  static constexpr bool notes_its_await = true;  // who passes at once has nothing to note
  using value_type = typename C::value_type;
  explicit claim_sender(C claim) noexcept : claim_(std::move(claim)) {}

  template <receiver_of<value_type> R>
  auto connect(R receiver) && noexcept {
    return claim_state<C, R>(std::move(claim_), std::move(receiver));
  }
  auto awaited_by(auto&) && noexcept { return claim_awaiter<C>(claim_); }
  // For select.
  [[nodiscard]] C&& claim() && noexcept { return std::move(claim_); }

 private:
  C claim_;
};

}  // namespace braid::detail
