#pragma once

#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

// Waits for the stop request alone. It finishes in a turn of its loop.
template <class R>
class stop_requested_state final : operation_base, cancellation {
 public:
  explicit stop_requested_state(R receiver) noexcept
      : operation_base(on_ready), receiver_(std::move(receiver)) {}
  ~stop_requested_state() {
    cancellation::drop();
    if (in_flight()) home_->operations().withdraw_ready(*this);
  }

  void start() noexcept {
    home_ = loop::current_or_null();
    if (home_ == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error("stop_requested"));
    arm<on_stop, on_late_stop>(receiver_.get_stop_token());
  }

 private:
  static void on_stop(cancellation& base) noexcept {
    auto& self = static_cast<stop_requested_state&>(base);
    self.home_->operations().make_ready(self);
  }
  // Only a stop request makes it ready, so none can be on its way when it ends.
  static void on_late_stop(cancellation&) noexcept { BRAID_ASSERT(false); }
  static void on_ready(operation_base& base, completion) noexcept {
    auto& self = static_cast<stop_requested_state&>(base);
    (void)self.disarm();
    R receiver = std::move(self.receiver_);
    std::move(receiver).finish(result<void>());
  }

  loop* home_ = nullptr;
  R receiver_;
};

struct stop_requested_sender {
  using sender_concept = sender_tag;
  using value_type = void;
  template <receiver_of<void> R>
  auto connect(R receiver) && noexcept {
    return stop_requested_state<R>(std::move(receiver));
  }
};

}  // namespace braid::detail
