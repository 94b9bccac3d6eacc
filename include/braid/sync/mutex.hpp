#pragma once

#include <optional>
#include <utility>

#include "braid/base/assert.hpp"
#include "braid/base/pinned.hpp"
#include "braid/sync/waiting.hpp"

namespace braid {

/// Mutual exclusion between operations of one loop that wait while they hold it: read, await, write.
///
/// Lifetime  outlives its locks and who waits for one.
/// Threads   one loop's. What never waits while it holds the state needs no mutex there.
/// Cancel    who waits leaves the queue; who was given the lock in the meantime has it.
/// Cost      no allocation. An unlocked one is taken without suspending; else first come, first served: unlocking
///           hands the lock to who has waited longest.
class mutex : pinned {
 public:
  /// Holds the mutex; unlocks at its end.
  class [[nodiscard]] scoped_lock {
   public:
    scoped_lock(scoped_lock&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    scoped_lock& operator=(scoped_lock other) noexcept {
      std::swap(held_, other.held_);
      return *this;
    }
    ~scoped_lock() {
      if (held_ != nullptr) held_->give_back();
    }
    /// Unlocks now.
    void unlock() noexcept {
      if (mutex* held = std::exchange(held_, nullptr)) held->give_back();
    }
    [[nodiscard]] bool owns_lock() const noexcept { return held_ != nullptr; }

   private:
    friend mutex;
    explicit scoped_lock(mutex& held) noexcept : held_(&held) {}
    mutex* held_;
  };

  mutex() = default;
  ~mutex() {
    if (locked_) misused("~mutex: it is locked");
  }

  /// A sender of scoped_lock.
  [[nodiscard]] auto lock() noexcept { return detail::pass_sender<mutex>(*this); }
  /// A lock if it can be had at once.
  [[nodiscard]] std::optional<scoped_lock> try_lock() noexcept {
    if (!try_pass()) return std::nullopt;
    return passed();
  }
  [[nodiscard]] bool is_locked() const noexcept { return locked_; }

 private:
  template <class, class>
  friend class detail::pass_state;
  friend class detail::pass_awaiter<mutex>;
  friend class detail::pass_sender<mutex>;
  friend error detail::pass_canceled<mutex>();
  using value_type = scoped_lock;
  static constexpr const char* name = "mutex::lock";

  [[nodiscard]] bool try_pass() noexcept { return !std::exchange(locked_, true); }
  [[nodiscard]] scoped_lock passed() noexcept { return scoped_lock(*this); }
  void give_back() noexcept {
    if (waiters_.empty())
      locked_ = false;
    else
      waiters_.pop_front().pass();
  }
  [[nodiscard]] intrusive_list<detail::sync_waiter>& waiters() noexcept { return waiters_; }

  bool locked_ = false;
  intrusive_list<detail::sync_waiter> waiters_;
};

}  // namespace braid
