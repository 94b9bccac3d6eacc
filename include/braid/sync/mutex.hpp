#pragma once

#include <optional>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/pinned.hpp"
#include "braid/loop/detail/held_locks.hpp"
#include "braid/sync/detail/claim_sender.hpp"

namespace braid {

/// Mutual exclusion between operations of one loop that wait while they hold the lock: read, await, write.
///
///     mutex door;
///     int total = 0;
///     {
///       const auto lock = co_await door.lock();
///       const int before = total;
///       const std::string more = co_await fetch("number");  // no other task changes total meanwhile
///       total = before + std::stoi(more);
///     }
///
/// Lifetime  outlives its locks and the waiters.
/// Threads   one loop's. Code that neither waits nor begins a task while it uses the data needs no mutex.
/// Cancel    a cancelled waiter leaves the queue. A waiter that got the lock before the request keeps it.
/// Cost      no allocation. Locking a free mutex does not suspend. First come, first served: unlock hands the
///           lock over to the longest waiting operation.
class mutex : pinned {
  struct locking;

 public:
  class scoped_lock;

  mutex() noexcept {
    if (detail::checks_on) [[unlikely]]
      state_ = watched;
  }
  // A mutex that the checks leave alone.
  explicit mutex(detail::unwatched) noexcept {}
  ~mutex() {
    if (is_locked()) detail::misused("~mutex: it is locked");
    if (state_ != free) [[unlikely]]
      detail::held_locks::forget(this);
  }

  /// A sender of scoped_lock.
  [[nodiscard]] auto lock() noexcept { return detail::claim_sender(locking{*this}); }
  /// A lock if the mutex is free.
  [[nodiscard]] std::optional<scoped_lock> try_lock() noexcept {
    if (is_locked()) return std::nullopt;
    if (state_ != free) [[unlikely]]
      detail::held_locks::locked(this, is_still_held, nullptr);
    state_ |= held;
    return scoped_lock(*this);
  }
  [[nodiscard]] bool is_locked() const noexcept { return (state_ & held) != 0; }

  /// Holds the mutex; its destructor unlocks.
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
      if (mutex* held = std::exchange(held_, nullptr)) held->hand_over_or_free();
    }
    /// Does it hold the mutex?
    [[nodiscard]] bool owns_lock() const noexcept { return held_ != nullptr; }
    /// The mutex it holds, or null.
    [[nodiscard]] mutex* held() const noexcept { return held_; }

   private:
    friend mutex;
    explicit scoped_lock(mutex& held) noexcept : held_(&held) {}
    mutex* held_;
  };

 private:
  struct locking {
    using value_type = scoped_lock;
    static constexpr const char* name = "mutex::lock";
    explicit locking(mutex& which) noexcept : on(&which) {}
    template <class Frame = detail::no_frame>
    [[nodiscard]] bool try_now(Frame frame = {}) noexcept {
      if (on->state_ != free) return on->try_not_free(frame());
      on->state_ = held;
      return true;
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->waiters_; }
    [[nodiscard]] scoped_lock take() noexcept { return scoped_lock(*on); }
    void give_back() noexcept { on->hand_over_or_free(); }
    mutex* on;
  };
  void hand_over_or_free() noexcept {
    if (waiters_.empty())
      state_ &= watched;
    else
      waiters_.pop_front().hand_over();
  }

  // The mutex is locked, or free in the way of BRAID_CHECKS=1.
  [[gnu::noinline]] bool try_not_free(const async_frame* by) noexcept {
    if (state_ == held) return false;
    if (state_ != watched) return detail::held_locks::waits(this), false;
    state_ = watched | held;
    detail::held_locks::locked(this, is_still_held, by);
    return true;
  }
  // A waiter that has got the lock, or left, does not wait any more.
  static bool is_still_held(const void* lock, std::size_t waiting) noexcept {
    const auto& self = *static_cast<const mutex*>(lock);
    return self.is_locked() && self.waiters_.size_up_to(waiting + 1) == waiting;
  }

  static constexpr unsigned char free = 0, held = 1, watched = 2;

  // Stays `held` while the lock is on its way to a waiter, so that try_now() cannot overtake that waiter.
  unsigned char state_ = free;
  detail::waiter_queue waiters_;
};

}  // namespace braid
