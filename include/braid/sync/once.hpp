#pragma once

#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/core/sender.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/mutex.hpp"

namespace braid {

/// Runs an operation once, however many callers need it: std::call_once for the operations of one loop.
///
///     once loading;
///     const auto load = [] { return write_file("/tmp/cache", "empty"); };
///     co_await loading.call(load);  // only the first of many callers does it
///
/// Lifetime  outlives the waiters.
/// Threads   one loop's.
/// Errors    a failed call reports the error to its own caller; the next call tries again.
/// Cancel    likewise: if the call that does the work is cancelled, the next one does it.
class once : pinned {
 public:
  /// A sender of void: completes once the sender that make() returns has, in this call or another one. make
  /// is kept until then.
  template <sender_factory F>
  [[nodiscard]] task<> call(F make) {
    if (done_) co_return;
    const auto mine = co_await being_done_.lock();
    if (done_) co_return;
    co_await make();
    done_ = true;
  }
  [[nodiscard]] bool is_done() const noexcept { return done_; }

 private:
  bool done_ = false;
  mutex being_done_{detail::unwatched()};  // the others wait while make sleeps, which is what once is for
};

}  // namespace braid
