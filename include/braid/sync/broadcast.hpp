#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/detail/nothrow_movable.hpp"
#include "braid/base/detail/ring_buffer.hpp"
#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/sync/detail/claim_sender.hpp"

namespace braid {

/// A channel that gives every element to every subscriber, from the moment of subscription.
///
///     broadcast<std::string> news(100);  // keeps the last 100 for slow subscribers
///     auto mine = news.subscribe();
///     news.send("hello");
///     news.close();
///     while (const auto line = co_await mine.receive()) log(*line);
///
/// Sending never waits: the channel keeps the last `capacity` elements for slow subscribers. A slower
/// subscriber misses the oldest ones and can ask how many. An element that all subscribers have received is
/// destroyed.
///
/// Lifetime  outlives its subscriptions.
/// Threads   one loop's.
/// Errors    the constructor throws std::invalid_argument for a capacity of 0. send throws what moving the
///           element throws, and errc::channel_closed after close(). An exception of copying is the error of
///           that receive, and the element stays for the next receive.
/// Cost      one copy of an element for each receive: send a std::shared_ptr<const T> if copying is
///           expensive. No allocation once the ring has grown to the capacity. Ending a subscription is
///           O(elements that it has not received). A T whose move may throw is allocated.
template <class T>
class broadcast : pinned {
  static_assert(std::is_copy_constructible_v<T>,
                "each subscriber gets a copy: send a std::shared_ptr<const T>");
  struct receiving;

 public:
  /// Receives everything that is sent while it lives.
  ///
  /// Lifetime  pinned; outlives the operations that wait on it.
  /// Cancel    a cancelled receive takes no element.
  class subscription : public detail::list_node {
   public:
    ~subscription() {
      if (promised_) detail::misused("~broadcast::subscription: a receive has not ended");
      from_.leave(*this);
    }

    /// A sender of std::optional<T>: empty once the broadcast is closed and everything was received.
    [[nodiscard]] auto receive() noexcept { return detail::claim_sender(receiving{this}); }
    /// How many elements it has missed in total because it was too slow.
    [[nodiscard]] std::uint64_t missed() const noexcept { return missed_ + (next_kept() - next_); }

   private:
    friend broadcast;
    explicit subscription(broadcast& to) noexcept : from_(to), next_(to.sent_) {
      to.subscriptions_.push_back(*this);
      ++to.subscribers_;
    }
    [[nodiscard]] std::uint64_t next_kept() const noexcept { return std::max(next_, from_.first_kept()); }
    void hand_over_elements() noexcept {
      while (!waiters_.empty() && detail::queued_claim<receiving>::claim_of(waiters_.front()).try_now())
        waiters_.pop_front().hand_over();
    }
    [[nodiscard]] std::optional<T> take() {
      const std::uint64_t number = next_kept();
      std::optional<T> taken(std::in_place, from_.element(number));
      missed_ += number - next_;
      next_ = number + 1;
      from_.received_from(number, number + 1);
      return taken;
    }
    broadcast& from_;
    std::uint64_t next_;  // the number of the element it receives next
    std::uint64_t missed_ = 0;
    bool promised_ = false;  // an element was handed over to a receive, which has not taken it yet
    detail::waiter_queue waiters_;
  };

  explicit broadcast(std::size_t capacity) : capacity_(capacity) {
    if (capacity == 0) throw std::invalid_argument("broadcast: the capacity is 0");
  }
  ~broadcast() {
    if (subscribers_ != 0) detail::misused("~broadcast: a subscription of it still lives");
  }

  [[nodiscard]] subscription subscribe() noexcept { return subscription(*this); }

  /// Gives the value to every subscription.
  void send(T value) {
    if (closed_) error(make_error_code(errc::channel_closed), "broadcast::send").rethrow();
    if (subscribers_ != 0) {
      kept newest{detail::nothrow_movable<T>(std::move(value)), subscribers_};
      if (elements_.size() == capacity_) elements_.drop_front();
      elements_.push_back(std::move(newest));
    }
    ++sent_;
    subscriptions_.for_each([](subscription& each) { each.hand_over_elements(); });
  }
  /// A subscription that has received everything gives an empty optional from now on. Closing twice is no
  /// error.
  void close() noexcept {
    closed_ = true;
    subscriptions_.for_each([](subscription& each) { each.hand_over_elements(); });
  }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }
  /// How many elements are kept for subscriptions that have not received them.
  [[nodiscard]] std::size_t size() const noexcept { return elements_.size(); }

 private:
  struct kept {
    detail::nothrow_movable<T> value;
    std::size_t expected;  // the number of subscriptions that have not received it
  };
  struct receiving {
    using value_type = std::optional<T>;
    static constexpr const char* name = "broadcast::receive";
    explicit receiving(subscription* which) noexcept : on(which) {}
    // Carries out one receive at a time, so that elements are taken in the order of the receives.
    [[nodiscard]] bool try_now() noexcept {
      const std::uint64_t more = on->from_.sent_ - on->next_kept();
      if (more <= (on->promised_ ? 1 : 0)) return on->from_.closed_;
      if (on->promised_) return false;
      return promised = on->promised_ = true;
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->waiters_; }
    // If copying throws, the element stays for the next receive.
    [[nodiscard]] std::optional<T> take() {
      if (!promised) return std::nullopt;  // the broadcast is closed
      struct hand_over_to_next {
        receiving& claim;
        ~hand_over_to_next() { claim.give_back(); }
      } const afterwards{*this};
      return on->take();
    }
    void give_back() noexcept {
      if (!std::exchange(promised, false)) return;
      on->promised_ = false;
      on->hand_over_elements();
    }
    subscription* on;
    bool promised = false;  // an element is reserved for it
  };

  [[nodiscard]] std::uint64_t first_kept() const noexcept { return sent_ - elements_.size(); }
  [[nodiscard]] const T& element(std::uint64_t number) noexcept {
    return detail::unboxed(elements_[number - first_kept()].value);
  }
  // One subscription has received these elements, or never will.
  void received_from(std::uint64_t first, std::uint64_t end) noexcept {
    for (; first != end; ++first) --elements_[first - first_kept()].expected;
    while (!elements_.empty() && elements_[0].expected == 0) elements_.drop_front();
  }
  void leave(subscription& one) noexcept {
    one.unlink();
    --subscribers_;
    received_from(one.next_kept(), sent_);
  }

  const std::size_t capacity_;
  bool closed_ = false;
  std::uint64_t sent_ = 0;
  detail::ring_buffer<kept> elements_;  // the last that were sent
  std::size_t subscribers_ = 0;
  detail::intrusive_list<subscription> subscriptions_;
};

}  // namespace braid
