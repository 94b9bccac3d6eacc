#pragma once

#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/sync/detail/claim_sender.hpp"

namespace braid {

/// A flag to wait for. A wait completes once the flag is set, or at once while it is set.
///
///     event ready;
///     const auto begin = [&]() -> task<> {
///       co_await ready.wait();
///       log("ready");
///     };
///     const auto prepare = [&]() -> task<> {
///       log(co_await fetch("settings"));
///       ready.set();
///     };
///     co_await when_all(begin, prepare);
///
/// Lifetime  outlives the waiters.
/// Threads   one loop's. Another thread sets it through that loop: home.post([&] { ready.set(); }).
/// Cancel    a cancelled waiter leaves the queue.
/// Cost      no allocation. A wait for an event that is set does not suspend.
class event : pinned {
  struct waiting;

 public:
  explicit event(bool set = false) noexcept : set_(set) {}

  /// A sender of void.
  [[nodiscard]] auto wait() noexcept { return detail::claim_sender(waiting{*this}); }
  /// Sets the flag and wakes all waiters in their order.
  void set() noexcept {
    set_ = true;
    while (!waiters_.empty()) waiters_.pop_front().hand_over();
  }
  void reset() noexcept { set_ = false; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }

 private:
  struct waiting {
    using value_type = void;
    static constexpr const char* name = "event::wait";
    explicit waiting(event& which) noexcept : on(&which) {}
    [[nodiscard]] bool try_now() noexcept { return on->set_; }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->waiters_; }
    void take() const noexcept {}
    void give_back() const noexcept {}
    event* on;
  };

  bool set_;
  detail::waiter_queue waiters_;
};

/// An event that resets itself: each set() completes one wait, the longest waiting one, or the next one to
/// come. Sets without a wait in between do not add up.
///
///     auto_reset_event changed;
///     for (;;) {
///       co_await changed.wait();  // one round for each changed.set()
///       log(co_await fetch("page"));
///     }
class auto_reset_event : pinned {
  struct waiting;

 public:
  explicit auto_reset_event(bool set = false) noexcept : set_(set) {}

  /// A sender of void.
  [[nodiscard]] auto wait() noexcept { return detail::claim_sender(waiting{*this}); }
  void set() noexcept {
    if (waiters_.empty())
      set_ = true;
    else
      waiters_.pop_front().hand_over();
  }
  void reset() noexcept { set_ = false; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }

 private:
  struct waiting {
    using value_type = void;
    static constexpr const char* name = "auto_reset_event::wait";
    explicit waiting(auto_reset_event& which) noexcept : on(&which) {}
    [[nodiscard]] bool try_now() noexcept { return std::exchange(on->set_, false); }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->waiters_; }
    void take() const noexcept {}
    void give_back() noexcept { on->set(); }
    auto_reset_event* on;
  };

  bool set_;
  detail::waiter_queue waiters_;
};

}  // namespace braid
