#pragma once

#include <cstddef>

#include "braid/base/detail/assert.hpp"
#include "braid/base/pinned.hpp"
#include "braid/sync/event.hpp"

namespace braid {

/// A counter that goes down to zero once, and then lets every wait complete: std::latch for the operations of
/// one loop.
///
///     latch loaded(2);
///     const auto load = [&]() -> task<> {
///       log(co_await fetch("part"));
///       loaded.count_down();
///     };
///     const auto begin = [&]() -> task<> {
///       co_await loaded.wait();
///       log("both parts are here");
///     };
///     co_await when_all(load, load, begin);
///
/// Lifetime  outlives the waiters.
/// Threads   one loop's.
/// Cancel    a cancelled waiter leaves the queue; the count stays.
class latch : pinned {
 public:
  explicit latch(std::size_t expected) noexcept : left_(expected), done_(expected == 0) {}

  /// Counting below zero is misuse.
  void count_down(std::size_t by = 1) noexcept {
    if (by > left_) detail::misused("latch::count_down: below zero");
    left_ -= by;
    if (left_ == 0) done_.set();
  }
  /// A sender of void: completes when the count is zero.
  [[nodiscard]] auto wait() noexcept { return done_.wait(); }
  [[nodiscard]] bool try_wait() const noexcept { return left_ == 0; }

 private:
  std::size_t left_;
  event done_;
};

}  // namespace braid
