#include "braid/style/detail/future_state.hpp"

#include <cstdio>
#include <exception>
#include <new>

#include "braid/base/detail/assert.hpp"
#include "braid/base/detail/lost_error.hpp"
#include "braid/core/detail/find_mistake.hpp"

namespace braid::detail {

void future_state_base::settle_slow() noexcept {
  if ((facts_ & tracked) != 0) task_tracker::ends(home_, frame_);
  chain_scope* const scope = (facts_ & chained) != 0 ? ended_in_chain() : nullptr;
  settle_now();  // may destroy *this
  if (scope != nullptr) scope->chain_ended();
}

void future_state_base::used_in_select() noexcept {
  misused(
      "future: a select waits for it: until that has ended, the future must neither be destroyed nor given "
      "to "
      "another operation");
}

void future_state_base::report(error failure) noexcept {
  if (home_ != nullptr && loop::current_or_null() == home_)
    return home_->report_unhandled(std::move(failure), &frame_);
  if (failure.is_requested_cancellation()) return;
  attach_stack(failure, &frame_);
  try {
    unique_function<void()> report_there = [failure] { loop::current().report_unhandled(failure, nullptr); };
    if (home_ != nullptr && loop::post_if_alive(home_, report_there)) return;
  } catch (const std::bad_alloc&) {
    // reported on this thread instead
  }
  if (home_ != nullptr) return report_lost(std::move(failure));  // its loop has ended
  std::fprintf(stderr, "braid: error of a dropped future: %s\n", failure.message().c_str());
  std::terminate();
}

void future_state_base::end_without_waiter() noexcept {
  if (const error* const unseen = failure()) find_unseen_error(*unseen, &frame_);
  delete this;
}

}  // namespace braid::detail
