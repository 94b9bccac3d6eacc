#pragma once

#include <atomic>

#include "braid/loop/operation.hpp"

namespace braid {

/// Where other threads leave operations for a loop; also the loop's word that it is about to sleep.
///
/// Threads  push from any; the rest from the loop's.
/// Cost     push is one compare-and-swap; looking into an empty inbox is one relaxed load.
class inbox : pinned {
 public:
  /// True when the loop sleeps, or is about to, and must be woken: said to one pusher only.
  [[nodiscard]] bool push(operation_base& message) noexcept {
    message.depart();
    operation_base* top = top_.load(std::memory_order_relaxed);
    do message.next_ = top == sleeping() ? nullptr : top;
    while (!top_.compare_exchange_weak(top, &message, std::memory_order_acq_rel, std::memory_order_relaxed));
    return top == sleeping();
  }

  [[nodiscard]] bool empty() const noexcept {
    const operation_base* top = top_.load(std::memory_order_relaxed);
    return top == nullptr || top == sleeping();
  }

  /// Announces the sleep; false when there is a message, so that the loop must not sleep. The announcement stands
  /// until a message comes: a loop that wakes for another reason pays one needless wake-up later, not a fence now.
  [[nodiscard]] bool fall_asleep() noexcept {
    operation_base* expected = top_.load(std::memory_order_relaxed);
    if (expected == sleeping()) return true;
    expected = nullptr;
    return top_.compare_exchange_strong(expected, sleeping(), std::memory_order_acq_rel,
                                        std::memory_order_acquire);
  }

  /// Moves all messages behind the queue's own, oldest first. Ends a sleep.
  void drain_into(operation_base::queue& ready) noexcept {
    operation_base* newest = top_.exchange(nullptr, std::memory_order_acquire);
    if (newest == sleeping()) return;
    operation_base::queue oldest_first;
    while (newest != nullptr) {
      operation_base* older = newest->next_;
      oldest_first.push_front(*newest);
      newest = older;
    }
    ready.append(std::move(oldest_first));
  }

 private:
  // An address that no message has.
  [[nodiscard]] operation_base* sleeping() const noexcept {
    return reinterpret_cast<operation_base*>(const_cast<inbox*>(this));
  }

  std::atomic<operation_base*> top_{nullptr};  // a stack, newest first; or sleeping()
};

}  // namespace braid
