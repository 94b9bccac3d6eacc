#pragma once

#include <cerrno>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/detail/blocking_pool.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/schedule/detail/offload_call.hpp"

namespace braid::detail {

template <class F, class R>
class offload_state final : blocking_job, operation_base, cancellation, outside_work {
  using value_type = offloaded_value<F>;

 public:
  offload_state(F f, R receiver)
      : blocking_job(on_pool), operation_base(on_loop), f_(std::move(f)), receiver_(std::move(receiver)) {}

  void start() noexcept {
    home_ = loop::current_or_null();
    if (home_ == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error("offload"));
    stop_token token = receiver_.get_stop_token();
    if (home_->ending() || token.stop_requested()) [[unlikely]]
      return std::move(receiver_).finish(cancelled());
    try {
      home_->operations().offload(*this);
    } catch (...) {
      return std::move(receiver_).finish(error::current());
    }
    home_->operations().begin_outside(*this);
    arm(std::move(token), on_stop, on_late_stop);
  }

 private:
  static error cancelled() noexcept {
    return error(std::make_error_code(std::errc::operation_canceled), "offload");
  }
  static void on_pool(blocking_job& job) noexcept {
    auto& self = static_cast<offload_state&>(job);
    self.result_.emplace(
        capture([&]() -> value_type { return call_offloaded(self.f_, self.stop_.token()); }));
    self.home_->operations().deliver(self);
  }
  static void on_loop(operation_base& base, completion) noexcept {
    auto& self = static_cast<offload_state&>(base);
    self.home_->operations().end_outside(self);
    if (self.disarm()) self.finish();
  }
  static void on_stop(cancellation& base) noexcept { static_cast<offload_state&>(base).stop(); }
  static void on_late_stop(cancellation& base) noexcept { static_cast<offload_state&>(base).finish(); }
  // Withdraws a function that no thread has begun.
  void stop() noexcept override {
    if (!home_->operations().withdraw(*this)) return stop_.request_stop();
    result_.emplace(cancelled());
    home_->operations().make_ready(*this);
  }
  void finish() noexcept {
    R receiver = std::move(receiver_);
    result<value_type> ended = std::move(*result_);
    std::move(receiver).finish(std::move(ended));
  }

  loop* home_ = nullptr;
  [[no_unique_address]] source_for<F> stop_;
  F f_;
  R receiver_;
  std::optional<result<value_type>> result_;
};

}  // namespace braid::detail
