#pragma once

#include <cstddef>

#include "braid/base/detail/assert.hpp"
#include "braid/base/pinned.hpp"
#include "braid/sync/detail/claim_sender.hpp"

namespace braid {

/// A point where a fixed number of operations of one loop wait for each other, again and again: std::barrier.
///
///     barrier phase(2);
///     const auto worker = [&]() -> task<> {
///       for (int round = 0; round < 10; ++round) {
///         log(co_await fetch("part"));
///         const bool leads = co_await phase.arrive_and_wait();  // both have done this round
///         if (leads) log("one more round");  // one of them says so
///       }
///     };
///     co_await when_all(worker, worker);
///
/// Lifetime  outlives the operations that wait.
/// Threads   one loop's.
/// Cancel    a cancelled operation has not arrived: the others go on waiting. An operation that a select does
///           not choose has not arrived either; a select that names a barrier twice arrives once.
/// Cost      no allocation. The last to arrive does not suspend.
class barrier : pinned {
  struct arriving;

 public:
  /// A number of 0 is misuse.
  explicit barrier(std::size_t expected) noexcept : expected_(expected) {
    if (expected == 0) detail::misused("barrier: the expected number is 0");
  }

  /// A sender of bool: completes when the expected number of operations wait. Then the next phase begins. It
  /// is true for one of them, the leader of the phase that ends: the last to arrive, or the one that has
  /// waited longest if arrive_and_drop() ends the phase. If the leader's operation is destroyed before it has
  /// finished, no other takes its place.
  [[nodiscard]] auto arrive_and_wait() noexcept { return detail::claim_sender(arriving{*this}); }
  /// Reduces the expected number by one, in this phase and the later ones. Misuse when it is 0 already.
  void arrive_and_drop() noexcept {
    if (expected_ == 0) detail::misused("barrier::arrive_and_drop: the expected number is 0 already");
    --expected_;
    if (arrived_ == 0 || arrived_ != expected_) return;
    detail::queued_claim<arriving>::claim_of(waiters_.front()).leads = true;
    complete();
  }

 private:
  struct arriving {
    using value_type = bool;
    static constexpr const char* name = "barrier::arrive_and_wait";
    explicit arriving(barrier& which) noexcept : on(&which) {}
    [[nodiscard]] bool try_now() noexcept {
      leads = on->arrived_ + 1 >= on->expected_;
      if (leads) on->complete();
      return leads;
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept {
      ++on->arrived_;
      return on->waiters_;
    }
    void left() noexcept { --on->arrived_; }
    [[nodiscard]] bool repeats(const arriving& earlier) const noexcept { return on == earlier.on; }
    [[nodiscard]] bool take() const noexcept { return leads; }
    void give_back() const noexcept {}
    barrier* on;
    bool leads = false;
  };
  void complete() noexcept {
    // Without this, a hand-over to one select could change what another one chooses.
    const detail::deferred_withdrawals all_at_once;
    for (; arrived_ != 0; --arrived_) waiters_.pop_front().hand_over();
  }

  std::size_t expected_;
  std::size_t arrived_ = 0;
  detail::waiter_queue waiters_;
};

}  // namespace braid
