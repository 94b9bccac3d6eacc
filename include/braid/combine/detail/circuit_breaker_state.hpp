#pragma once

#include <cstdint>
#include <system_error>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/result.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

// A call of a circuit breaker: begins the operation if the breaker lets it, and reports its end there.
template <class Breaker, class S, class IsFailure, class R>
class circuit_breaker_state final
    : public finishes_at_home_with<circuit_breaker_state<Breaker, S, IsFailure, R>, value_of<S>> {
  using value_type = value_of<S>;
  using receiver = inner_receiver<circuit_breaker_state, value_type>;

 public:
  circuit_breaker_state(Breaker breaker, S op, IsFailure is_failure, R waiting)
      : breaker_(breaker),
        is_failure_(std::move(is_failure)),
        receiver_(std::move(waiting)),
        call_(connect(std::move(op), receiver{this})) {}
  ~circuit_breaker_state() {
    if (phase_ != 0) breaker_->ended_otherwise(phase_);
  }

  void start() noexcept {
    home_ = loop::current_or_null();
    if (home_ == nullptr) return end(no_loop_error(name));
    phase_ = breaker_->admit();
    if (phase_ == 0) return end(error(make_error_code(errc::circuit_open), name));
    call_.start();
  }

  // For the call.
  [[nodiscard]] stop_token child_stop_token() const noexcept { return receiver_.get_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return receiver_.frame(); }
  [[nodiscard]] loop* home() const noexcept { return home_; }
  void on_finish(result<value_type>&& ended) noexcept {
    const std::uint64_t phase = std::exchange(phase_, 0);
    if (ended) {
      breaker_->succeeded(phase);
    } else if (ended.error() == std::errc::operation_canceled) {
      breaker_->ended_otherwise(phase);
    } else {
      try {
        is_failure_(std::as_const(ended.error())) ? breaker_->failed(phase)
                                                  : breaker_->ended_otherwise(phase);
      } catch (...) {
        breaker_->ended_otherwise(phase);
        return end(error::current());
      }
    }
    end(std::move(ended));
  }

 private:
  static constexpr const char* name = "circuit_breaker::run";

  void end(result<value_type> with) noexcept {
    R waiting = std::move(receiver_);
    std::move(waiting).finish(std::move(with));
  }

  const Breaker breaker_;
  [[no_unique_address]] IsFailure is_failure_;
  R receiver_;
  loop* home_ = nullptr;
  std::uint64_t phase_ = 0;  // of the breaker, while the call runs
  connected<S, receiver> call_;
};

}  // namespace braid::detail
