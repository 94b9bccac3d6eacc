#pragma once

#include <optional>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/pinned.hpp"
#include "braid/sync/detail/waiting.hpp"

namespace braid {

/// Mutual exclusion between operations of one loop that wait while they hold it: read, await, write.
///
/// Lifetime  outlives its locks and who waits for one.
/// Threads   one loop's. What never waits while it holds the state needs no mutex there.
/// Cancel    who waits leaves the queue; who was given the lock in the meantime has it.
/// Cost      no allocation. An unlocked one is taken without suspending; else first come, first served:
///           unlocking hands the lock to who has waited longest.
class mutex : pinned {
  struct locking;

 public:
  /// Holds the mutex; unlocks at its end.
  class [[nodiscard]] scoped_lock {
   public:
    scoped_lock(scoped_lock&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    scoped_lock& operator=(scoped_lock other) noexcept {
      std::swap(held_, other.held_);
      return *this;
    }
    ~scoped_lock() { unlock(); }
    /// Unlocks now.
    void unlock() noexcept {
      if (mutex* held = std::exchange(held_, nullptr)) held->unlock();
    }
    [[nodiscard]] bool owns_lock() const noexcept { return held_ != nullptr; }
    /// The mutex it holds, or null.
    [[nodiscard]] mutex* held() const noexcept { return held_; }

   private:
    friend mutex;
    explicit scoped_lock(mutex& held) noexcept : held_(&held) {}
    mutex* held_;
  };

  mutex() = default;
  ~mutex() {
    if (locked_) detail::misused("~mutex: it is locked");
  }

  /// A sender of scoped_lock.
  [[nodiscard]] auto lock() noexcept { return detail::claim_sender(locking{*this}); }
  /// A lock if it can be had at once.
  [[nodiscard]] std::optional<scoped_lock> try_lock() noexcept {
    if (std::exchange(locked_, true)) return std::nullopt;
    return scoped_lock(*this);
  }
  [[nodiscard]] bool is_locked() const noexcept { return locked_; }

 private:
  struct locking {
    using value_type = scoped_lock;
    static constexpr const char* name = "mutex::lock";
    explicit locking(mutex& which) noexcept : on(&which) {}
    [[nodiscard]] bool try_pass() noexcept { return !std::exchange(on->locked_, true); }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->waiters_; }
    [[nodiscard]] scoped_lock take() noexcept { return scoped_lock(*on); }
    void give_back() noexcept { on->unlock(); }
    mutex* on;
  };
  void unlock() noexcept {
    if (waiters_.empty())
      locked_ = false;
    else
      waiters_.pop_front().pass();
  }

  bool locked_ = false;
  detail::waiter_queue waiters_;
};

}  // namespace braid
