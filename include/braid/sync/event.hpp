#pragma once

#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/sync/waiting.hpp"

namespace braid {

/// Something that has happened, or not yet. Once set it lets everyone pass until it is reset.
///
/// Lifetime  outlives who waits.
/// Threads   one loop's. From another thread: loop::post([&] { happened.set(); }).
/// Cancel    who waits leaves the queue.
/// Cost      no allocation. A wait for one that is set does not suspend.
class event : pinned {
 public:
  explicit event(bool set = false) noexcept : set_(set) {}

  /// A sender of void.
  [[nodiscard]] auto wait() noexcept { return detail::pass_sender<event>(*this); }
  /// Lets all who wait pass, in their order, and whoever comes.
  void set() noexcept {
    set_ = true;
    while (!waiters_.empty()) waiters_.pop_front().pass();
  }
  void reset() noexcept { set_ = false; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }

 private:
  template <class, class>
  friend class detail::pass_state;
  friend class detail::pass_awaiter<event>;
  friend class detail::pass_sender<event>;
  friend error detail::pass_canceled<event>();
  using value_type = void;
  static constexpr const char* name = "event::wait";

  [[nodiscard]] bool try_pass() const noexcept { return set_; }
  void passed() const noexcept {}
  void give_back() const noexcept {}
  [[nodiscard]] intrusive_list<detail::sync_waiter>& waiters() noexcept { return waiters_; }

  bool set_;
  intrusive_list<detail::sync_waiter> waiters_;
};

/// The same for one: each set lets one wait pass, the longest waiting or else the next to come. Sets that nobody has
/// made use of do not add up.
class auto_reset_event : pinned {
 public:
  explicit auto_reset_event(bool set = false) noexcept : set_(set) {}

  /// A sender of void.
  [[nodiscard]] auto wait() noexcept { return detail::pass_sender<auto_reset_event>(*this); }
  void set() noexcept {
    if (waiters_.empty())
      set_ = true;
    else
      waiters_.pop_front().pass();
  }
  void reset() noexcept { set_ = false; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }

 private:
  template <class, class>
  friend class detail::pass_state;
  friend class detail::pass_awaiter<auto_reset_event>;
  friend class detail::pass_sender<auto_reset_event>;
  friend error detail::pass_canceled<auto_reset_event>();
  using value_type = void;
  static constexpr const char* name = "auto_reset_event::wait";

  [[nodiscard]] bool try_pass() noexcept { return std::exchange(set_, false); }
  void passed() const noexcept {}
  void give_back() noexcept { set(); }
  [[nodiscard]] intrusive_list<detail::sync_waiter>& waiters() noexcept { return waiters_; }

  bool set_;
  intrusive_list<detail::sync_waiter> waiters_;
};

}  // namespace braid
