#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/base/ring_buffer.hpp"
#include "braid/sync/waiting.hpp"

namespace braid {

/// A queue of elements between operations of one loop: many may send, many receive, each element reaches one
/// of them.
///
/// Those who wait to send, and those who wait to receive, are served in the order they came. Closing it says
/// that nothing more will be sent: what was sent until then, and what others wait to send, is still received.
///
/// Lifetime  outlives who waits. Elements left at its end are destroyed.
/// Threads   one loop's. From another thread: loop::post([&] { numbers.try_send(1); }) to an unbounded one.
/// Errors    send fails with errc::channel_closed once it is closed; the element is destroyed then.
/// Cancel    a send that is cancelled has not sent; a receive that is cancelled has taken nothing. Who was
///           served in the meantime has been: its element is its value.
/// Cost      no allocation per element: the ring grows up to the capacity and is kept. What need not wait
///           does not suspend.
template <class T>
class channel : pinned {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "a channel's elements move from hand to hand: give them a "
                "noexcept move constructor, or send a unique_ptr");
  struct sending;
  struct receiving;

 public:
  /// No send waits.
  static constexpr std::size_t unbounded = ~std::size_t{0};

  /// So many elements may be sent before one is received. 0 is a rendezvous: a send ends when its element is
  /// received.
  explicit channel(std::size_t capacity) noexcept : capacity_(capacity) {}

  /// A sender of void: done once the element is in the channel, or received.
  [[nodiscard]] auto send(T value) { return detail::claim_sender(sending{*this, std::move(value)}); }
  /// A sender of std::optional<T>: none once the channel is closed and drained.
  [[nodiscard]] auto receive() noexcept { return detail::claim_sender(receiving{*this}); }

  /// Sends if that can be done at once; else false, and the value is as it was.
  template <class U>
  [[nodiscard]] bool try_send(U&& value) {
    return !closed_ && put(std::forward<U>(value));
  }
  /// An element if there is one.
  [[nodiscard]] std::optional<T> try_receive() {
    std::optional<T> taken;
    take_into(taken);
    return taken;
  }

  /// Whoever waits for an element that will never come is told so. Closing twice is no error.
  void close() noexcept {
    closed_ = true;
    while (!receivers_.empty()) receivers_.pop_front().pass();
  }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }
  /// How many elements were sent, and nobody has begun to receive yet; without those that wait to be sent.
  [[nodiscard]] std::size_t size() const noexcept { return elements_.size(); }
  [[nodiscard]] bool empty() const noexcept { return elements_.empty(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  struct sending {
    using value_type = void;
    static constexpr const char* name = "channel::send";
    sending(channel& which, T&& what) : on(&which), value(std::move(what)) {}
    [[nodiscard]] bool try_pass() {
      refused = on->closed_;
      return refused || on->put(std::move(value));
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->senders_; }
    void take() const noexcept {}
    void give_back() const noexcept {}  // it was received
    [[nodiscard]] bool failed() const noexcept { return refused; }
    [[nodiscard, gnu::cold, gnu::noinline]] error failure() const {
      return error(make_error_code(errc::channel_closed), name);
    }
    channel* on;
    T value;
    bool refused = false;
  };

  struct receiving {
    using value_type = std::optional<T>;
    static constexpr const char* name = "channel::receive";
    explicit receiving(channel& which) noexcept : on(&which) {}
    [[nodiscard]] bool try_pass() { return on->take_into(got) || on->closed_; }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->receivers_; }
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
  using sender_waiting = detail::claimant<sending>;
  using receiver_waiting = detail::claimant<receiving>;

  // To who waits for it, or into the ring if there is room; else nothing is done.
  template <class U>
  [[nodiscard]] bool put(U&& value) {
    if (!receivers_.empty()) {  // then the ring is empty, and nobody waits to send
      receiver_waiting::claim_of(receivers_.front()).got.emplace(std::forward<U>(value));
      receivers_.pop_front().pass();
      return true;
    }
    if (elements_.size() >= capacity_) return false;  // those who wait to send do it because of this
    elements_.push_back(std::forward<U>(value));
    return true;
  }
  // From the ring, into which the one who has waited longest to send goes; or from that one.
  bool take_into(std::optional<T>& where) {
    if (!elements_.empty()) {
      where.emplace(elements_.pop_front());
      if (!senders_.empty() && elements_.size() < capacity_) {
        elements_.push_back(std::move(sender_waiting::claim_of(senders_.front()).value));
        senders_.pop_front().pass();
      }
      return true;
    }
    if (senders_.empty()) return false;
    where.emplace(std::move(sender_waiting::claim_of(senders_.front()).value));
    senders_.pop_front().pass();
    return true;
  }
  // It was received by one who ended before it could make use of it: it is the first again.
  void put_back(T&& value) noexcept {
    if (receivers_.empty()) return elements_.push_front(std::move(value));
    receiver_waiting::claim_of(receivers_.front()).got.emplace(std::move(value));
    receivers_.pop_front().pass();
  }

  const std::size_t capacity_;
  bool closed_ = false;
  ring_buffer<T> elements_;
  detail::waiter_queue senders_;  // they wait only while the ring is full
  detail::waiter_queue receivers_;  // they wait only while the ring is empty, and nobody sends
};

}  // namespace braid
