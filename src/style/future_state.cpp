#include "braid/style/future_state.hpp"

#include <cstdio>
#include <exception>

namespace braid {

void future_state_base::report(error failure) noexcept {
  if (home_ != nullptr && loop::current_or_null() == home_)
    return home_->report_unhandled(std::move(failure), &frame_);
  if (failure == std::errc::operation_canceled) return;
  attach_stack(failure, &frame_);
  if (home_ != nullptr)
    return home_->post(
        [failure = std::move(failure)] { loop::current().report_unhandled(failure, nullptr); });
  std::fprintf(stderr, "braid: error of a dropped future: %s\n", failure.message().c_str());
  std::terminate();
}

}  // namespace braid
