#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/intrusive_list.hpp"
#include "braid/base/pinned.hpp"
#include "braid/base/ring_buffer.hpp"
#include "braid/sync/waiting.hpp"

namespace braid {

/// A channel whose every subscriber gets every element, sent from its subscription on.
///
/// To send never waits: the last `capacity` elements are kept for those who are slow. Who is slower misses
/// the oldest, and is told how many.
///
/// Lifetime  outlives its subscriptions.
/// Threads   one loop's.
/// Errors    the constructor throws std::invalid_argument for a capacity of 0; send throws what copying does,
///           and errc::channel_closed once it is closed.
/// Cost      one copy of an element for each who receives it: send a std::shared_ptr<const T> where that is
///           dear. No allocation once the ring has grown to the capacity.
template <class T>
class broadcast : pinned {
  static_assert(std::is_copy_constructible_v<T>,
                "each subscriber gets a copy: send a std::shared_ptr<const T>");
  struct receiving;

 public:
  /// One who gets all that is sent while it lives.
  ///
  /// Lifetime  pinned; outlives who waits on it.
  /// Cancel    a receive that is cancelled has taken nothing.
  class subscription : public list_node {
   public:
    ~subscription() { this->unlink(); }

    /// A sender of std::optional<T>: none once the broadcast is closed and all has been received.
    [[nodiscard]] auto receive() noexcept { return detail::claim_sender(receiving{*this}); }
    /// How many elements it missed, in all, because it was too slow.
    [[nodiscard]] std::uint64_t missed() const noexcept { return missed_ + (next_kept() - next_); }

   private:
    friend broadcast;
    explicit subscription(broadcast& to) noexcept : from_(to), next_(to.sent_) {
      to.subscriptions_.push_back(*this);
    }
    [[nodiscard]] std::uint64_t next_kept() const noexcept { return std::max(next_, from_.first_kept()); }
    [[nodiscard]] bool has_more() const noexcept { return from_.sent_ - next_kept() > promised_; }
    void let_pass() noexcept {
      if (waiters_.empty() || !has_more()) return;
      ++promised_;
      waiters_.pop_front().pass();
    }
    [[nodiscard]] std::optional<T> take() {
      const std::uint64_t number = next_kept();
      if (number == from_.sent_) return std::nullopt;  // it is closed
      std::optional<T> taken(from_.elements_[number - from_.first_kept()]);
      missed_ += number - next_;
      next_ = number + 1;
      return taken;
    }
    broadcast& from_;
    std::uint64_t next_;  // the number of the element it receives next
    std::uint64_t missed_ = 0;
    std::size_t promised_ = 0;  // so many who wait were let pass, and have not taken their element
    detail::waiter_queue waiters_;
  };

  explicit broadcast(std::size_t capacity) : capacity_(capacity) {
    if (capacity == 0)
      throw std::invalid_argument("broadcast: a capacity of 0 would keep nothing to be received");
  }

  [[nodiscard]] subscription subscribe() noexcept { return subscription(*this); }

  /// Every subscription gets it.
  void send(T value) {
    if (closed_) error(make_error_code(errc::channel_closed), "broadcast::send").rethrow();
    if (elements_.size() == capacity_) elements_.drop_front();
    elements_.push_back(std::move(value));
    ++sent_;
    subscriptions_.for_each([](subscription& each) { each.let_pass(); });
  }
  /// Who has received everything gets none from now on. Closing twice is no error.
  void close() noexcept {
    closed_ = true;
    subscriptions_.for_each([](subscription& each) {
      while (!each.waiters_.empty()) each.waiters_.pop_front().pass();
    });
  }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }

 private:
  struct receiving {
    using value_type = std::optional<T>;
    static constexpr const char* name = "broadcast::receive";
    explicit receiving(subscription& which) noexcept : on(&which) {}
    [[nodiscard]] bool try_pass() noexcept {
      if (!on->has_more()) return on->from_.closed_;
      ++on->promised_;
      return true;
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->waiters_; }
    // What copying throws leaves the element to the next one.
    [[nodiscard]] std::optional<T> take() {
      struct let_next_pass {
        subscription& whole;
        ~let_next_pass() { whole.let_pass(); }
      } const afterwards{*on};
      keep_promise();
      return on->take();
    }
    void give_back() noexcept {
      keep_promise();
      on->let_pass();
    }
    void keep_promise() noexcept {
      if (on->promised_ != 0) --on->promised_;
    }
    subscription* on;
  };

  [[nodiscard]] std::uint64_t first_kept() const noexcept { return sent_ - elements_.size(); }

  const std::size_t capacity_;
  bool closed_ = false;
  std::uint64_t sent_ = 0;
  ring_buffer<T> elements_;  // the last that were sent
  intrusive_list<subscription> subscriptions_;
};

}  // namespace braid
