#pragma once

#include <optional>
#include <system_error>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/detail/offload_job.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/schedule/detail/offload_call.hpp"

namespace braid::detail {

/// Where a function runs, and what its operation is called in errors.
struct offload_place {
  pool_owner* pool = nullptr;  // null: on the blocking pool
  const char* call = "offload";
};

// The operation of a function that is waited for. It holds the function and its result.
template <class F, class R>
class offload_state final : offload_job, operation_base, cancellation, outside_work {
  using value_type = offloaded_value<F>;

 public:
  offload_state(offload_place where, F f, R receiver)
      : offload_job(fate::awaited),
        operation_base(on_loop),
        where_(where),
        f_(std::move(f)),
        receiver_(std::move(receiver)) {}

  void start() noexcept {
    home_ = loop::current_or_null();
    if (home_ == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error(where_.call));
    stop_token token = receiver_.get_stop_token();
    if (home_->ending() || token.stop_requested()) [[unlikely]]
      return std::move(receiver_).finish(cancelled());
    if (std::optional<error> failed = submit(where_.pool, *home_, *this, where_.call)) [[unlikely]]
      return std::move(receiver_).finish(*std::move(failed));
    home_->operations().begin_outside(*this);
    arm<on_stop, on_late_stop>(std::move(token));
  }

 private:
  [[nodiscard]] error cancelled() const noexcept {
    return error(std::make_error_code(std::errc::operation_canceled), where_.call);
  }
  void run() noexcept override {
    result_.emplace(capture([&]() -> value_type { return call_offloaded(f_, stop_.token()); }));
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
    if (!withdraw()) return stop_.request_stop(receiver_.get_stop_token().reason());
    result_.emplace(cancelled());
    home_->operations().make_ready(*this);
  }
  void finish() noexcept {
    R receiver = std::move(receiver_);
    if (cut_off()) [[unlikely]]
      return std::move(receiver).finish(error(*std::move(cut_off())));
    result<value_type> ended = std::move(*result_);
    std::move(receiver).finish(std::move(ended));
  }

  const offload_place where_;
  loop* home_ = nullptr;
  [[no_unique_address]] source_for<F> stop_;
  F f_;
  R receiver_;
  std::optional<result<value_type>> result_;
};

}  // namespace braid::detail
