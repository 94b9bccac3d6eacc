#pragma once

#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/core/sender.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/mutex.hpp"

namespace braid {

/// What is done once, however many need it: std::call_once for the operations of one loop.
///
/// Lifetime  outlives who waits.
/// Threads   one loop's.
/// Errors    the one whose call fails has the error; the next one tries anew.
/// Cancel    likewise: who is cancelled while it does the work leaves it to the next.
class once : pinned {
 public:
  /// A sender of void: done once make() has been, by this call or another. make returns a sender; it is kept
  /// meanwhile.
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
  mutex being_done_;
};

}  // namespace braid
