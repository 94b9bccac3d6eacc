#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "braid/base/error.hpp"

namespace braid::detail {

/// The errors of a join's operations: the first one suppresses the others. A requested cancellation counts
/// only if nothing else failed.
class join_failures {
 public:
  /// stopping: stop of the operation was requested before it failed.
  void add(error failure, bool stopping = false) noexcept {
    if (stopping) failure.set_requested(true);
    if (!first_)
      first_ = std::move(failure);
    else if (failure.is_requested_cancellation())
      suppress_those_of(failure);
    else if (first_->is_requested_cancellation())
      suppress_those_of(std::exchange(*first_, std::move(failure)));
    else
      first_->suppress(std::move(failure));
  }
  [[nodiscard]] bool any() const noexcept { return first_.has_value(); }
  [[nodiscard]] bool of_clean_up() const noexcept { return first_ && first_->of_clean_up(); }
  void clear() noexcept { first_.reset(); }
  /// True if one of these errors is the same failure, which arrived a second time in another way.
  [[nodiscard]] bool contain(const error& failure) const noexcept {
    const auto same = [&](const error& known) { return same_failure(known, failure); };
    return first_ && (same(*first_) || std::ranges::any_of(first_->suppressed(), same));
  }
  [[nodiscard]] error first() && noexcept { return *std::move(first_); }

 private:
  // A failure that was thrown and caught is a copy with the same exception and the same stack.
  static bool same_failure(const error& left, const error& right) noexcept {
    if (const auto held = left.exception()) return held == right.exception();
    return left == right && std::ranges::equal(left.stack(), right.stack(), [](const auto& a, const auto& b) {
             return a.line() == b.line() && a.column() == b.column() && a.file_name() == b.file_name();
           });
  }
  // Keeps what a dropped cancellation had suppressed, for instance the failed attempts of a retry.
  void suppress_those_of(const error& canceled) noexcept {
    for (const error& each : canceled.suppressed()) first_->suppress(each);
  }
  std::optional<error> first_;
};

}  // namespace braid::detail
