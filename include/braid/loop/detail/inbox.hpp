#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>

#include "braid/loop/operation.hpp"

namespace braid::detail {

/// The inbox of a loop: other threads deliver operations here, and the loop announces that it will sleep.
///
/// Threads  any may call push and woken; all else is the loop's.
/// Cost     push is one compare-and-swap; looking into an empty inbox is one relaxed load.
class inbox : pinned {
 public:
  /// True when the loop sleeps or is about to. Only one pusher gets true: it must wake the loop, and then
  /// call woken().
  [[nodiscard]] bool push(operation_base& message) noexcept {
    message.mark_begun();
    operation_base* top = top_.load(std::memory_order_relaxed);
    do message.next_ = top == sleeping() ? nullptr : top;
    while (!top_.compare_exchange_weak(top, &message, std::memory_order_acq_rel, std::memory_order_relaxed));
    return top == sleeping();
  }

  /// Called by the pusher that has woken the loop, as its last access to the loop.
  void woken() noexcept { woken_.fetch_add(1, std::memory_order_release); }

  /// Waits until every pusher that must wake the loop has done so. Without it a loop that something else has
  /// woken could find their messages and end while they still use it.
  void await_wakers() const noexcept {
    while (woken_.load(std::memory_order_acquire) != wakes_begun_) std::this_thread::yield();
  }

  [[nodiscard]] bool empty() const noexcept {
    const operation_base* top = top_.load(std::memory_order_relaxed);
    return top == nullptr || top == sleeping();
  }

  /// Announces the sleep. False when there is a message, so that the loop must not sleep. The announcement
  /// stands until a message arrives: a loop that wakes for another reason pays one needless wake-up later
  /// instead of a fence now.
  [[nodiscard]] bool fall_asleep() noexcept {
    operation_base* expected = top_.load(std::memory_order_relaxed);
    if (expected == sleeping()) return true;
    expected = nullptr;
    if (!top_.compare_exchange_strong(expected, sleeping(), std::memory_order_acq_rel,
                                      std::memory_order_acquire))
      return false;
    announced_ = true;
    return true;
  }

  /// In a forked child: drops the messages, which are the parent's.
  void clear() noexcept { top_.store(nullptr, std::memory_order_relaxed); }

  /// Moves all messages behind the queue's own, oldest first. Ends a sleep.
  void drain_into(operation_base::queue& ready) noexcept {
    operation_base* newest = top_.exchange(nullptr, std::memory_order_acquire);
    const bool announced = std::exchange(announced_, false);
    if (newest == sleeping()) return;
    if (announced && newest != nullptr) ++wakes_begun_;
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

  // any thread
  std::atomic<operation_base*> top_{nullptr};  // a stack, newest first; or sleeping()
  std::atomic<std::uint32_t> woken_{0};
  // the loop's
  bool announced_ = false;  // sleeping() was put on the empty stack, which has not been drained since
  std::uint32_t wakes_begun_ = 0;
};

}  // namespace braid::detail
