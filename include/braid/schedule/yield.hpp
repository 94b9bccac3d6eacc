#pragma once

#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/io_sender.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

namespace detail {

template <class R>
class yield_state final : operation_base {
 public:
  explicit yield_state(R receiver) noexcept : operation_base(ended), receiver_(std::move(receiver)) {}
  void start() noexcept {
    if (loop* home = loop::current_or_null()) [[likely]]
      return home->make_ready(*this);
    std::move(receiver_).finish(no_loop_error("yield"));
  }

 private:
  static void ended(operation_base& base, completion) noexcept {
    R receiver = std::move(static_cast<yield_state&>(base).receiver_);
    if (receiver.get_stop_token().stop_requested()) [[unlikely]]
      return std::move(receiver).finish(error(std::make_error_code(std::errc::operation_canceled), "yield"));
    std::move(receiver).finish(result<void>());
  }
  R receiver_;
};

struct yield_sender {
  using sender_concept = sender_tag;
  using value_type = void;
  template <receiver_of<void> R>
  auto connect(R receiver) && noexcept {
    return yield_state<R>(std::move(receiver));
  }
};

}  // namespace detail

/// Lets everything else that is ready run first: once through the loop's run queue.
/// Cancel  ends as operation_canceled when stop was requested, so that a busy loop of yields can be stopped.
[[nodiscard]] inline auto yield() noexcept { return detail::yield_sender{}; }

}  // namespace braid
