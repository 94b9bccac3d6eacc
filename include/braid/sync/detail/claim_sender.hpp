#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <new>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/sync/detail/waiter.hpp"

namespace braid::detail {

// A claim: what an operation asks of a synchronisation object, and what it got.
//
// try_now()    takes it at once, if that is possible and no earlier waiter wants it; true on success. It may
//              also have the form try_now(frame), whose frame() returns the frame of the operation
// waiters()    otherwise, called once, when the operation begins to wait: the object's queue, from which the
//              object takes it to call sync_waiter::hand_over
// on_wait()    optional: called once it is in the queue
// take()       after the hand-over: the operation's value
// give_back()  undoes the hand-over, if the operation is destroyed before it finishes; may do nothing
// left()       optional: called after it left the queue without a hand-over; may hand over to others
// failed()     optional: it was handed over without what it asked for, and failure() is the error
// failure()    optional: the error after failed(), and after sync_waiter::fail()
// repeats(c)   optional: in a select, after the claim c of the same type, it adds nothing and does not wait
// queued_as    optional: the base class by which the queue knows it, if claims of several types share a queue
// name         the call, for messages
template <class C>
concept sync_claim = std::move_constructible<C> && requires(C& c) {
  typename C::value_type;
  { C::name } -> std::convertible_to<const char*>;
  { c.try_now() } -> std::same_as<bool>;
  { c.waiters() } noexcept -> std::same_as<waiter_queue&>;
  { c.take() } -> std::same_as<typename C::value_type>;
  { c.give_back() } noexcept;
};

// The frame of an operation of which none is known.
struct no_frame {
  const async_frame* operator()() const noexcept { return nullptr; }
};
template <class C>
concept asks_for_frame = requires(C& claim) { claim.try_now(no_frame()); };

// The error of a wait that ended without a hand-over: of `failed`, or if that is null, of a cancelled one.
template <class C>
[[gnu::cold, gnu::noinline]] error wait_error(C* failed) {
  if constexpr (requires { failed->failure(); })
    if (failed != nullptr) return failed->failure();
  return error(std::make_error_code(std::errc::operation_canceled), C::name);
}

template <class C>
struct queued_type {
  using type = C;
};
template <class C>
  requires requires { typename C::queued_as; }
struct queued_type<C> {
  using type = typename C::queued_as;
};

// A waiting claim. The object finds the claim here and may store in it what the operation asked for.
template <class Claim>
class queued_claim : public sync_waiter {
 public:
  [[nodiscard]] static Claim& claim_of(sync_waiter& waiter) noexcept {
    return static_cast<queued_claim&>(waiter).claim_;
  }

 protected:
  template <class... Args>
  explicit queued_claim(Claim& claim, Args&&... args) noexcept
      : sync_waiter(std::forward<Args>(args)...), claim_(claim) {}
  ~queued_claim() = default;
  Claim& claim_;
};

// The waiter of a claim. Its bases: queued_claim, by which the object finds the claim, and sync_waiter, which
// is in the queue and has hand_over().
template <sync_claim C>
class claimant : public queued_claim<typename queued_type<C>::type> {
  using base = queued_claim<typename queued_type<C>::type>;

 protected:
  claimant(C& claim, sync_waiter::finish_fn& finish) noexcept : base(claim, finish, kind) {}
  claimant(C& claim, sync_group& group, std::size_t index) noexcept : base(claim, group, index, kind) {}
  ~claimant() {
    if (this->leave()) claim().give_back();
  }

  void begin_to_wait() noexcept {
    this->enter(claim().waiters());
    if constexpr (requires(C& claim) { claim.on_wait(); }) claim().on_wait();
  }
  [[nodiscard]] C& claim() noexcept { return static_cast<C&>(this->claim_); }

 private:
  static void on_withdraw(sync_waiter& self) noexcept {
    if constexpr (requires(C& claim) { claim.left(); }) static_cast<claimant&>(self).claim().left();
  }
  static constexpr waiter_kind kind{C::name, on_withdraw};
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
      : claim_holder<C>{std::move(claim)},
        claimant<C>(this->held, on_finish),
        receiver_(std::move(receiver)) {}

  void start() noexcept {
    if (loop::current_or_null() == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error(C::name));
    try {
      if (try_now()) return finish();
    } catch (...) {
      return std::move(receiver_).finish(error::current());
    }
    this->begin_to_wait();
    this->obey(receiver_.get_stop_token());
  }

 private:
  static void on_finish(sync_waiter& waiter) {
    auto& self = static_cast<claim_state&>(waiter);
    if (self.end_wait()) return self.finish();
    R receiver = std::move(self.receiver_);
    std::move(receiver).finish(wait_error(self.has_failed() ? &self.held : nullptr));
  }
  void finish() noexcept {
    R receiver = std::move(receiver_);
    std::move(receiver).finish(take_result(this->held));
  }
  bool try_now() {
    if constexpr (asks_for_frame<C>)
      return this->held.try_now([this] { return receiver_.frame(); });
    else
      return this->held.try_now();
  }

  R receiver_;
};

// try_now for an operation with this frame.
template <class C>
[[nodiscard, gnu::always_inline]] inline bool try_claim(C& claim, const async_frame* frame) {
  if constexpr (asks_for_frame<C>)
    return claim.try_now([frame] { return frame; });
  else
    return claim.try_now();
}

// The awaiter of a claim in a coroutine, whose frame keeps the claim until the await has ended. The waiter is
// constructed only when the operation has to wait.
template <sync_claim C>
class claim_awaiter : pinned {
 public:
  claim_awaiter(C& claim, const async_frame* frame) : claim_(claim), waits_(!try_claim(claim, frame)) {}
  ~claim_awaiter() {
    if (waits_) [[unlikely]]
      waiter_.~waiter();
  }

  [[nodiscard]] bool await_ready() {
    if (!waits_) return true;
    if (loop::current_or_null() == nullptr) [[unlikely]] {
      waits_ = false;
      no_loop_error(C::name).rethrow();
    }
    return false;
  }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    awaiting.promise().note_await();
    new (&waiter_) waiter(claim_, awaiting);
    waiter_.begin_to_wait();
    waiter_.obey(awaiting.promise().get_stop_token());
  }
  typename C::value_type await_resume() {
    if (waits_ && !waiter_.end_wait()) [[unlikely]]
      wait_error(waiter_.has_failed() ? &claim_ : nullptr).rethrow();
    if constexpr (requires { claim_.failed(); })
      if (claim_.failed()) [[unlikely]]
        claim_.failure().rethrow();
    return claim_.take();
  }

 private:
  struct waiter final : claimant<C> {
    waiter(C& claim, std::coroutine_handle<> handle) noexcept
        : claimant<C>(claim, on_finish), awaiting(handle) {}
    static void on_finish(sync_waiter& self) { static_cast<waiter&>(self).awaiting.resume(); }
    using claimant<C>::begin_to_wait, claimant<C>::obey, claimant<C>::end_wait, claimant<C>::has_failed;
    std::coroutine_handle<> awaiting;
  };

  C& claim_;
  bool waits_;
  union {
    waiter waiter_;  // while waits_
  };
};

template <sync_claim C>
class claim_sender {
 public:
  using sender_concept = sender_tag;
  static constexpr bool notes_its_await = true;  // an await that does not wait has nothing to note
  using value_type = typename C::value_type;
  explicit claim_sender(C claim) noexcept : claim_(std::move(claim)) {}

  template <receiver_of<value_type> R>
  auto connect(R receiver) && noexcept {
    return claim_state<C, R>(std::move(claim_), std::move(receiver));
  }
  auto awaited_by(auto& promise) && { return claim_awaiter<C>(claim_, promise.frame()); }
  // For select.
  [[nodiscard]] C&& claim() && noexcept { return std::move(claim_); }

 private:
  C claim_;
};

}  // namespace braid::detail
