#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#include <utility>

#include "braid/base/assert.hpp"
#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/base/ring_buffer.hpp"
#include "braid/sync/waiting.hpp"

namespace braid {

/// A queue of elements between operations of one loop: many may send, many receive, each element reaches one
/// of them.
///
///     channel<job> jobs(16);
///     co_await jobs.send(job(1));
///     while (auto next = co_await jobs.receive()) work_on(*next);  // until it is closed and empty
///
/// Operations that wait to send, and those that wait to receive, are served first come, first served. close()
/// says that nothing more will be sent: what was sent until then, and what others wait to send, is still
/// received. close_now() is for the receiving side, which wants no more: it wakes those that wait to send.
///
/// A send that fails, times out or loses a select destroys its element. Two ways to keep it:
/// send_from(element) moves the element only when it is sent, and reserve() waits for room before there is an
/// element at all.
///
/// Lifetime  outlives its permits and the operations that wait. Elements left at its end are destroyed.
/// Threads   one loop's. From another thread: loop::post([&] { numbers.try_send(1); }) to an unbounded one.
/// Errors    send, send_from and reserve fail with errc::channel_closed once it is closed.
/// Cancel    a cancelled send has not sent; a cancelled receive has taken nothing. An operation that was
///           served before the stop request came completes with what it got.
/// Cost      no allocation per element: the ring grows up to the capacity and is kept. What need not wait
///           does not suspend; a loop of such operations needs a yield() now and then, or nothing else runs.
template <class T>
class channel : pinned {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "a channel's elements move from hand to hand: give them a "
                "noexcept move constructor, or send a unique_ptr");
  struct sending;
  struct sending_from;
  struct reserving;
  struct receiving;

 public:
  /// No send waits.
  static constexpr std::size_t unbounded = ~std::size_t{0};

  /// Room for one element, which nobody else can take; gives it back at its end.
  ///
  /// Lifetime  the channel outlives it.
  class [[nodiscard]] permit {
   public:
    permit(permit&& other) noexcept : on_(std::exchange(other.on_, nullptr)) {}
    permit& operator=(permit other) noexcept {
      std::swap(on_, other.on_);
      return *this;
    }
    ~permit() {
      if (on_ != nullptr) on_->give_up_permit();
    }
    /// Sends, at once, though the channel may have been closed meanwhile. Once: the permit is used up.
    /// Errors  std::logic_error when it was used or moved from; std::bad_alloc when the ring must grow and
    ///         cannot, and the permit stays good then.
    void send(T value) {
      if (on_ == nullptr) throw std::logic_error("channel::permit::send: the permit was used already");
      on_->put_by_permit(std::move(value));
      on_ = nullptr;
    }
    /// Can it still send?
    [[nodiscard]] explicit operator bool() const noexcept { return on_ != nullptr; }

   private:
    friend channel;
    explicit permit(channel& on) noexcept : on_(&on) {}
    channel* on_;
  };

  /// So many elements may be sent before one is received. 0 is a rendezvous: a send ends when its element is
  /// received.
  explicit channel(std::size_t capacity) noexcept : capacity_(capacity), room_(capacity) {}
  ~channel() {
    if (permits_ != 0) misused("~channel: a permit of it is still held");
  }

  /// A sender of void: done once the element is in the channel, or received.
  [[nodiscard]] auto send(T value) { return detail::claim_sender(sending{*this, std::move(value)}); }
  /// The same; the element is moved from when it is sent, and else stays as it is, whatever the end.
  /// Lifetime  the element stays where it is until the operation has ended.
  [[nodiscard]] auto send_from(T& element) noexcept {
    return detail::claim_sender(sending_from{*this, element});
  }
  /// A sender of permit: waits for room, as a send would. On a rendezvous channel it waits until an operation
  /// waits to receive, which then waits for the permit; should that one give up, the element is kept for the
  /// next.
  [[nodiscard]] auto reserve() noexcept { return detail::claim_sender(reserving{*this}); }
  /// A sender of std::optional<T>: none once the channel is closed and drained, and no permit is left.
  [[nodiscard]] auto receive() noexcept { return detail::claim_sender(receiving{*this}); }

  /// Sends if that can be done at once; else false, and the value is as it was.
  template <class U>
  [[nodiscard]] bool try_send(U&& value) {
    return !closed_ && put(std::forward<U>(value));
  }
  /// A permit if there is room.
  [[nodiscard]] std::optional<permit> try_reserve() noexcept {
    if (closed_ || !take_permit(nullptr)) return std::nullopt;
    return permit(*this);
  }
  /// An element if there is one.
  [[nodiscard]] std::optional<T> try_receive() {
    std::optional<T> taken;
    take_into(taken, false);
    return taken;
  }

  /// Nothing more can be sent, but by the operations that wait to send and by the permits there are; what
  /// waits to reserve fails. A receive that waits for an element that will never come completes with none.
  /// Closing twice is no error.
  void close() noexcept {
    closed_ = true;
    refuse([](const to_send& waits) { return waits.element == nullptr; });
    if (permits_ == 0) end();
  }
  /// The same, and what waits to send fails, too. Elements in the channel can still be received.
  void close_now() noexcept {
    closed_ = true;
    refuse([](const to_send&) { return true; });
    if (permits_ == 0) end();
  }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }
  /// How many elements were sent, and nobody has begun to receive yet; without those that wait to be sent.
  [[nodiscard]] std::size_t size() const noexcept { return elements_.size(); }
  [[nodiscard]] bool empty() const noexcept { return elements_.empty(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  // In the queue of senders_.
  struct to_send {
    explicit to_send(channel& which) noexcept : on(&which) {}
    to_send(to_send&& other) noexcept : on(other.on) {}  // it has not begun
    [[nodiscard]] bool failed() const noexcept { return refused; }
    [[nodiscard, gnu::cold, gnu::noinline]] error failure_of(const char* call) const {
      if (on->closed_) return error(make_error_code(errc::channel_closed), call);
      return error(std::make_error_code(std::errc::not_enough_memory), call);
    }
    channel* on;
    T* element;  // set by waiters(): where it is moved from; null for a reserve
    bool refused = false;  // because it is closed, or for want of memory
  };

  struct sending : to_send {
    using value_type = void;
    using queued_as = to_send;
    static constexpr const char* name = "channel::send";
    sending(channel& which, T&& what) : to_send(which), value(std::move(what)) {}
    [[nodiscard]] bool try_pass() {
      this->refused = this->on->closed_;
      return this->refused || this->on->put(std::move(value));
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept {
      this->element = &value;
      return this->on->senders_;
    }
    void take() const noexcept {}
    void give_back() const noexcept {}  // it was received
    [[nodiscard]] error failure() const { return this->failure_of(name); }
    T value;
  };

  struct sending_from : to_send {
    using value_type = void;
    using queued_as = to_send;
    static constexpr const char* name = "channel::send_from";
    sending_from(channel& which, T& what) noexcept : to_send(which), value(&what) {}
    [[nodiscard]] bool try_pass() {
      this->refused = this->on->closed_;
      return this->refused || this->on->put(std::move(*value));
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept {
      this->element = value;
      return this->on->senders_;
    }
    void take() const noexcept {}
    void give_back() const noexcept {}
    [[nodiscard]] error failure() const { return this->failure_of(name); }
    T* value;
  };

  struct reserving : to_send {
    using value_type = permit;
    using queued_as = to_send;
    static constexpr const char* name = "channel::reserve";
    explicit reserving(channel& which) noexcept : to_send(which) {}
    [[nodiscard]] bool try_pass() noexcept {
      this->refused = this->on->closed_;
      return this->refused || this->on->take_permit(nullptr);
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept {
      this->element = nullptr;
      return this->on->senders_;
    }
    [[nodiscard]] permit take() const noexcept { return permit(*this->on); }
    void give_back() const noexcept {
      if (!this->failed()) this->on->give_up_permit();
    }
    [[nodiscard]] error failure() const { return this->failure_of(name); }
  };

  struct receiving {
    using value_type = std::optional<T>;
    static constexpr const char* name = "channel::receive";
    explicit receiving(channel& which) noexcept : on(&which) {}
    [[nodiscard]] bool try_pass() { return on->take_into(got, true) || on->ended_; }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->receivers_; }
    void on_wait() noexcept {
      if (!on->senders_.empty()) [[unlikely]]
        on->serve_senders();  // one that waits to reserve
    }
    [[nodiscard]] std::optional<T> take() noexcept {
      if (!got) return std::nullopt;
      return std::optional<T>(
          *std::move(got));  // not as a whole: that would be one wide load after two narrow stores
    }
    void give_back() noexcept {
      if (got) on->put_back(*std::move(got));
    }
    channel* on;
    std::optional<T> got;
  };
  using sender_waiting = detail::queued_claim<to_send>;
  using receiver_waiting = detail::queued_claim<receiving>;

  template <class U>
  static void hand_over(detail::sync_waiter& receiver, U&& value) {
    receiver_waiting::claim_of(receiver).got.emplace(std::forward<U>(value));
    receiver.unlink();
    receiver.pass();
  }
  // To the operation that waits for it, or into the ring if there is room; else nothing is done.
  template <class U>
  [[nodiscard]] bool put(U&& value) {
    if (!receivers_.empty()) {  // then the ring is empty
      hand_over(receivers_.front(), std::forward<U>(value));
      return true;
    }
    if (elements_.size() >= room_) return false;  // what waits to send does so because of this
    elements_.push_back(std::forward<U>(value));
    return true;
  }
  // From the ring, or from the operation that has waited longest to send.
  bool take_into(std::optional<T>& where, bool can_wait) {
    if (!elements_.empty()) {
      where.emplace(elements_.pop_front());
      if (!senders_.empty() && elements_.size() < room_) serve_first_sender();
      return true;
    }
    return !senders_.empty() && take_from_sender(where, can_wait);
  }
  bool take_from_sender(std::optional<T>& where, bool can_wait) {
    // On a rendezvous channel it is a receiver that waits for which a reserve waits.
    if (can_wait && capacity_ == 0 && element_of(senders_.front()) == nullptr) return false;
    detail::sync_waiter* const first =
        senders_.find_if([](detail::sync_waiter& each) { return element_of(each) != nullptr; });
    if (first == nullptr) return false;
    where.emplace(std::move(*element_of(*first)));
    first->unlink();
    first->pass();
    return true;
  }
  // It was received by an operation that ended before it could make use of it: it is the first again.
  void put_back(T&& value) noexcept {
    if (detail::sync_waiter* const receiver = first_receiver())
      hand_over(*receiver, std::move(value));
    else
      elements_.push_front(std::move(value));
  }

  [[nodiscard]] static T* element_of(detail::sync_waiter& sender) noexcept {
    return sender_waiting::claim_of(sender).element;
  }
  [[nodiscard]] detail::sync_waiter* first_receiver() noexcept {
    if (!promised_.empty()) return &promised_.front();
    return receivers_.empty() ? nullptr : &receivers_.front();
  }
  // The first that an element or a permit of this sender can be for: two claims of one select do not meet.
  [[nodiscard]] detail::sync_waiter* receiver_for(detail::sync_waiter* sender) noexcept {
    return receivers_.find_if(
        [sender](detail::sync_waiter& each) { return sender == nullptr || !each.in_group_with(*sender); });
  }

  // For an element that was taken out of the ring.
  void serve_first_sender() {
    T* const element = element_of(senders_.front());
    if (element == nullptr) [[unlikely]]
      return serve_senders();
    elements_.push_back(std::move(*element));
    senders_.pop_front().pass();
  }
  // Lets operations that wait to send or to reserve pass, in their order, as far as that can be done now.
  void serve_senders() noexcept {
    const detail::settling at_once;  // a sender and its receiver pass in one step
    while (receivers_.empty() ? !senders_.empty() && elements_.size() < room_ : !senders_.empty()) {
      detail::sync_waiter* const next =
          senders_.find_if([this](detail::sync_waiter& each) { return serve(each); });
      if (next == nullptr) return;
      next->unlink();
      next->pass();
    }
  }
  // False when it has to go on waiting.
  [[nodiscard]] bool serve(detail::sync_waiter& sender) noexcept {
    T* const element = element_of(sender);
    if (element == nullptr) return take_permit(&sender);
    if (detail::sync_waiter* const receiver = receiver_for(&sender)) {
      hand_over(*receiver, std::move(*element));
    } else if (elements_.size() < room_) {
      try {
        elements_.push_back(std::move(*element));
      } catch (...) {
        sender_waiting::claim_of(sender).refused = true;
      }
    } else {
      return false;
    }
    return true;
  }

  // A permit for the sender that waits, or for one that asks without waiting. On a rendezvous channel it
  // binds the receiver that has waited longest, which is for nobody else from now on.
  [[nodiscard]] bool take_permit(detail::sync_waiter* sender) noexcept {
    if (capacity_ == 0) {
      detail::sync_waiter* const receiver = receiver_for(sender);
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
    if (detail::sync_waiter* const receiver = first_receiver())
      hand_over(*receiver, std::move(value));
    else
      elements_.push_back(std::move(value));
    end_permit();
  }
  void give_up_permit() noexcept {
    if (capacity_ == 0 && promised_.size_up_to(permits_) == permits_) {
      detail::sync_waiter& receiver = promised_.back();
      receiver.unlink();
      receivers_.push_front(receiver);
    }
    end_permit();
  }
  void end_permit() noexcept {
    --permits_;
    if (capacity_ != 0) ++room_;
    serve_senders();
    if (closed_ && permits_ == 0) end();
  }

  // Those of the operations that wait to send for which the question is answered by yes.
  template <class Which>
  void refuse(Which which) noexcept {
    detail::waiter_queue others, refused;
    while (!senders_.empty()) {
      detail::sync_waiter& each = senders_.pop_front();
      to_send& claim = sender_waiting::claim_of(each);
      if (which(claim)) claim.refused = true;
      (claim.failed() ? refused : others).push_back(each);
    }
    while (!others.empty()) senders_.push_back(others.pop_front());
    while (!refused.empty()) refused.pop_front().pass();
  }
  void end() noexcept {
    ended_ = true;
    while (!receivers_.empty()) receivers_.pop_front().pass();
  }

  const std::size_t capacity_;
  std::size_t room_;  // the capacity without what is reserved
  bool closed_ = false;
  bool ended_ = false;  // closed, and no permit is left
  std::size_t permits_ = 0;
  ring_buffer<T> elements_;
  detail::waiter_queue senders_;  // to send or to reserve; they wait while there is no room
  detail::waiter_queue receivers_;  // they wait while the ring is empty
  detail::waiter_queue promised_;  // likewise; of a rendezvous channel, each for a permit
};

}  // namespace braid
