#pragma once

#include <stdexcept>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/detail/claim_sender.hpp"
#include "braid/sync/mutex.hpp"

namespace braid {

/// A queue of waiters for a change of data that a mutex protects: std::condition_variable for the operations
/// of one loop. There are no spurious wake-ups, but a notified waiter may find that another operation was
/// faster: check in a loop, or wait with a predicate.
///
///     mutex door;
///     condition_variable changed;
///     std::vector<job> jobs;
///     auto lock = co_await door.lock();
///     co_await changed.wait(lock, [&] { return !jobs.empty(); });  // notify_one() follows each new job
///     work_on(jobs.back());
///
/// Lifetime  outlives the waiters.
/// Threads   one loop's.
/// Cancel    a cancelled waiter leaves the queue, locks again, and fails as operation_canceled.
/// Cost      one block of the frame pool for each wait.
class condition_variable : pinned {
  struct waiting;

 public:
  /// A sender of void: unlocks, waits to be notified, and locks again, also when it fails.
  /// Lifetime  the lock must stay at its address until then.
  /// Errors    std::logic_error when the lock does not hold its mutex.
  [[nodiscard]] task<> wait(mutex::scoped_lock& lock) {
    mutex* const door = lock.held();
    if (door == nullptr) throw std::logic_error("condition_variable::wait: the lock holds no mutex");
    lock.unlock();
    const result<void> notified = co_await as_result(detail::claim_sender(waiting{*this}));
    lock = co_await shield(door->lock());
    if (!notified) notified.error().rethrow();
  }
  /// Waits until the predicate is true, at once if it is true already. The predicate is called under the
  /// lock.
  template <class Predicate>
  [[nodiscard]] task<> wait(mutex::scoped_lock& lock, Predicate predicate) {
    while (!predicate()) co_await wait(lock);
  }

  /// Wakes the waiter that has waited longest, if there is one.
  void notify_one() noexcept {
    if (!waiters_.empty()) waiters_.pop_front().hand_over();
  }
  /// Wakes all waiters.
  void notify_all() noexcept {
    while (!waiters_.empty()) waiters_.pop_front().hand_over();
  }

 private:
  struct waiting {
    using value_type = void;
    static constexpr const char* name = "condition_variable::wait";
    explicit waiting(condition_variable& which) noexcept : on(&which) {}
    [[nodiscard]] bool try_now() const noexcept { return false; }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->waiters_; }
    void take() const noexcept {}
    void give_back() noexcept { on->notify_one(); }
    condition_variable* on;
  };

  detail::waiter_queue waiters_;
};

}  // namespace braid
