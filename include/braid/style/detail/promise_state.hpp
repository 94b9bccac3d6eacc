#pragma once

#include <source_location>
#include <utility>

#include "braid/core/async_stack.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/detail/future_state.hpp"

namespace braid::detail {
template <class T>
struct promise_state final : future_state<T> {
  explicit promise_state(std::source_location where) noexcept
      : future_state<T>(loop::current_or_null(), where) {
    this->notice_drop();
  }
  /// Called when the result is not wanted any more. The future does not wait for the promise, which may
  /// ignore the request.
  bool request_stop(stop_reason why) noexcept override {
    unwanted_.request_stop(why);
    return false;
  }
  [[nodiscard]] stop_source& unwanted() noexcept { return unwanted_; }
  void set_failure(error failure) noexcept {
    attach_stack(failure, this->frame());
    this->set(std::move(failure));
  }

 private:
  // If the promise and its future were both dropped, broken_promise is not reported: no caller is left.
  void report_unseen() noexcept override {
    if (!this->ended() && this->ended().error() != errc::broken_promise) future_state<T>::report_unseen();
  }

  stop_source unwanted_;
};
}  // namespace braid::detail
