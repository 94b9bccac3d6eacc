#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "braid/base/detail/lost_error.hpp"
#include "braid/base/detail/nothrow_movable.hpp"
#include "braid/base/detail/ring_buffer.hpp"
#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/sync/detail/claim_sender.hpp"
#include "braid/sync/overflow.hpp"

namespace braid::detail {

// The elements of a channel and the operations that wait for it. An element goes from its send directly to a
// waiting receive; if none waits, it goes into the ring between them.
template <class T>
class channel_queue : pinned {
  static_assert(std::is_move_constructible_v<T>,
                "a channel moves its elements: give them a move constructor, or send a unique_ptr");

 public:
  using kept = nothrow_movable<T>;
  static constexpr bool may_throw = std::is_same_v<kept, boxed<T>>;

  // A claim in senders_.
  struct to_send {
    explicit to_send(channel_queue& which) noexcept : on(&which) {}
    to_send(to_send&& other) noexcept : on(other.on) {}  // moved only before it begins
    [[nodiscard]] bool failed() const noexcept { return refused; }
    // Called in a catch block, after moving the element has thrown.
    void refuse() noexcept {
      refused = true;
      if constexpr (may_throw) why = error::current();
    }
    [[nodiscard, gnu::cold, gnu::noinline]] error failure_of(const char* call) const {
      if constexpr (may_throw)
        if (why) return *why;
      if (on->closed_) return error(make_error_code(errc::channel_closed), call);
      return error(std::make_error_code(std::errc::not_enough_memory), call);
    }
    channel_queue* on;
    T* value_to_send;  // set by waiters(): the element to move; null for a reserve
    bool refused = false;  // the channel is closed, or moving the element threw
    [[no_unique_address]] std::conditional_t<may_throw, std::optional<error>, std::monostate> why{};
  };
  // A claim in receivers_ or promised_.
  struct to_receive {
    explicit to_receive(channel_queue& which) noexcept : on(&which) {}
    channel_queue* on;
    std::optional<kept> got;
  };

  channel_queue(std::size_t capacity, overflow policy) noexcept
      : capacity_(policy == overflow::latest ? 1 : capacity), policy_(policy), room_(capacity_) {}

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t size() const noexcept { return elements_.size(); }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }
  // True when it is closed without a cause and no permit is left; with a cause, throws it then.
  [[nodiscard]] bool has_ended() const {
    if (ended_ && cause_) [[unlikely]]
      cause_->rethrow();
    return ended_;
  }
  [[nodiscard]] const error& cause() const noexcept { return *cause_; }
  [[nodiscard]] bool has_permits() const noexcept { return permits_ != 0; }
  [[nodiscard]] waiter_queue& senders() noexcept { return senders_; }
  [[nodiscard]] waiter_queue& receivers() noexcept { return receivers_; }

  // Hands the value over to a waiting receive, or puts it into the ring if there is room; else returns false.
  template <class U>
  [[nodiscard]] bool put(U&& value) {
    if (!receivers_.empty()) {  // then the ring is empty
      hand_over(receivers_.front(), std::forward<U>(value));
      return true;
    }
    if (elements_.size() >= room_) return false;  // while sends wait, the ring is full
    elements_.push_back(std::forward<U>(value));
    return true;
  }
  // Puts the value, or drops an element as the policy says; returns false if the send of the value waits.
  template <class U>
  [[nodiscard]] bool put_or_drop(U&& value) {
    return put(std::forward<U>(value)) ||
           (policy_ != overflow::wait && put_after_drop(std::forward<U>(value)));
  }
  // Takes from the ring, or from the send that has waited longest.
  bool take_into(std::optional<kept>& where, bool can_wait) {
    if (!elements_.empty()) {
      where.emplace(elements_.pop_front());
      if (!senders_.empty() && elements_.size() < room_) hand_over_to_first_sender();
      return true;
    }
    return take_from_sender(where, can_wait);
  }
  // Takes back an element whose receive was destroyed before it finished: it becomes the first again.
  void put_back(kept&& value) noexcept {
    if (sync_waiter* const receiver = first_receiver()) return hand_over(*receiver, std::move(value));
    try {
      elements_.push_front(std::move(value));
    } catch (const std::bad_alloc&) {
      report_lost(error(std::make_error_code(std::errc::not_enough_memory),
                        "channel: an element whose receive was destroyed is lost"));
    }
  }
  // Hands over to waiting sends and reserves in their order, as far as that is possible now.
  void hand_over_to_senders() noexcept {
    const deferred_withdrawals at_once;  // the hand-overs to a send and to its receive are one step
    while (receivers_.empty() ? !senders_.empty() && elements_.size() < room_ : !senders_.empty()) {
      sync_waiter* const next =
          senders_.find_if([this](sync_waiter& each) { return try_hand_over_to(each); });
      if (next == nullptr) return;
      next->unlink();
      next->hand_over();
    }
  }

  // A permit for a waiting reserve, or for a caller that does not wait (null). On a rendezvous channel the
  // permit binds the receive that has waited longest: from then on it gets no other element.
  [[nodiscard]] bool take_permit(sync_waiter* sender) noexcept {
    if (capacity_ == 0) {
      sync_waiter* const receiver = receiver_for(sender);
      if (receiver == nullptr) return false;
      receiver->unlink();
      promised_.push_back(*receiver);
    } else {
      if (elements_.size() >= room_) return false;
      --room_;
    }
    ++permits_;
    return true;
  }
  void put_by_permit(T&& value) {
    if (sync_waiter* const receiver = first_receiver())
      hand_over(*receiver, std::move(value));
    else
      elements_.push_back(std::move(value));
    end_permit();
  }
  void give_up_permit() noexcept {
    if (capacity_ == 0 && promised_.size_up_to(permits_) == permits_) {
      sync_waiter& receiver = promised_.back();
      receiver.unlink();
      receivers_.push_front(receiver);
    }
    end_permit();
  }

  // Called before the first close.
  void set_cause(error cause) noexcept {
    cause.set_requested(false);  // nobody has asked the receives to stop, so they do not fail silently
    cause_.emplace(std::move(cause));
  }
  // Closes, and refuses the waiting sends and reserves for which `which` returns true.
  template <class Which>
  void close_for(Which which) noexcept {
    closed_ = true;
    waiter_queue others, refused;
    while (!senders_.empty()) {
      sync_waiter& each = senders_.pop_front();
      to_send& claim = sender_waiting::claim_of(each);
      if (which(claim)) claim.refused = true;
      (claim.failed() ? refused : others).push_back(each);
    }
    while (!others.empty()) senders_.push_back(others.pop_front());
    while (!refused.empty()) refused.pop_front().hand_over();
    if (permits_ == 0) end();
  }

 private:
  using sender_waiting = queued_claim<to_send>;
  using receiver_waiting = queued_claim<to_receive>;

  template <class U>
  static void hand_over(sync_waiter& receiver, U&& value) {
    receiver_waiting::claim_of(receiver).got.emplace(std::forward<U>(value));
    receiver.unlink();
    receiver.hand_over();
  }
  [[nodiscard]] static T* value_of(sync_waiter& sender) noexcept {
    return sender_waiting::claim_of(sender).value_to_send;
  }
  // Moves a send's element. If that throws, records the error in the send and returns false.
  template <class Into>
  static bool move_out(sync_waiter& sender, Into into) noexcept {
    to_send& claim = sender_waiting::claim_of(sender);
    try {
      into(std::move(*claim.value_to_send));
      return true;
    } catch (...) {
      claim.refuse();
      return false;
    }
  }
  bool take_from_sender(std::optional<kept>& where, bool can_wait) {
    while (!senders_.empty()) {
      // On a rendezvous channel a reserve waits for a waiting receive: this receive waits, to be that one.
      if (can_wait && capacity_ == 0 && value_of(senders_.front()) == nullptr) return false;
      sync_waiter* const first =
          senders_.find_if([](sync_waiter& each) { return value_of(each) != nullptr; });
      if (first == nullptr) return false;
      const bool moved = move_out(*first, [&](T&& value) { where.emplace(std::move(value)); });
      first->unlink();
      first->hand_over();
      if (moved) return true;
    }
    return false;
  }
  [[nodiscard]] sync_waiter* first_receiver() noexcept {
    if (!promised_.empty()) return &promised_.front();
    return receivers_.empty() ? nullptr : &receivers_.front();
  }
  // The first receive that may get an element or a permit of this send; not one of the same select.
  [[nodiscard]] sync_waiter* receiver_for(sync_waiter* sender) noexcept {
    return receivers_.find_if(
        [sender](sync_waiter& each) { return sender == nullptr || !each.in_group_with(*sender); });
  }

  // Refills the ring after an element was taken from it.
  void hand_over_to_first_sender() {
    if (value_of(senders_.front()) == nullptr) [[unlikely]]
      return hand_over_to_senders();
    const bool moved =
        move_out(senders_.front(), [this](T&& value) { elements_.push_back(std::move(value)); });
    senders_.pop_front().hand_over();
    if (!moved) [[unlikely]]
      hand_over_to_senders();
  }
  // Returns false if the send must go on waiting.
  [[nodiscard]] bool try_hand_over_to(sync_waiter& sender) noexcept {
    if (value_of(sender) == nullptr) return take_permit(&sender);
    sync_waiter* const receiver = receiver_for(&sender);
    if (receiver == nullptr && elements_.size() >= room_) return false;
    move_out(sender, [&](T&& value) {
      if (receiver != nullptr)
        hand_over(*receiver, std::move(value));
      else
        elements_.push_back(std::move(value));
    });
    return true;
  }
  void end_permit() noexcept {
    --permits_;
    if (capacity_ != 0) ++room_;
    hand_over_to_senders();
    if (closed_ && permits_ == 0) end();
  }
  // Drops an element, the new one if every place is reserved: that one stays as it was.
  template <class U>
  [[gnu::cold, gnu::noinline]] bool put_after_drop(U&& value) {
    do {
      ++dropped_;
      if (policy_ == overflow::drop_newest || elements_.empty()) return true;
      (void)elements_.pop_front();  // it is out of the ring before its destructor runs
    } while (!put(std::forward<U>(value)));
    return true;
  }
  void end() noexcept {
    ended_ = true;
    while (!receivers_.empty()) {
      sync_waiter& each = receivers_.pop_front();
      if (cause_)
        each.fail();
      else
        each.hand_over();
    }
  }

  const std::size_t capacity_;
  const overflow policy_;
  std::size_t room_;  // the capacity minus the reserved places
  bool closed_ = false;
  bool ended_ = false;
  std::size_t permits_ = 0;
  std::uint64_t dropped_ = 0;
  std::optional<error> cause_;
  ring_buffer<kept> elements_;
  waiter_queue senders_;  // sends and reserves that wait for room
  waiter_queue receivers_;  // receives that wait while the ring is empty
  waiter_queue promised_;  // receives of a rendezvous channel that a permit has bound
};

}  // namespace braid::detail
