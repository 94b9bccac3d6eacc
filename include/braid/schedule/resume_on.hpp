#pragma once

#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

namespace detail {

template <class R>
class resume_on_state final : operation_base {
 public:
  resume_on_state(loop& there, R receiver) noexcept
      : operation_base(ended), there_(there), receiver_(std::move(receiver)) {}
  void start() noexcept { there_.deliver(*this); }

 private:
  static void ended(operation_base& base, completion) noexcept {
    R receiver = std::move(static_cast<resume_on_state&>(base).receiver_);
    std::move(receiver).finish(result<void>());
  }
  loop& there_;
  R receiver_;
};

struct resume_on_sender {
  using sender_concept = sender_tag;
  using value_type = void;
  loop* there;
  template <receiver_of<void> R>
  auto connect(R receiver) && noexcept {
    return resume_on_state<R>(*there, std::move(receiver));
  }
};

}  // namespace detail

/// Completes on the other loop's thread: in a coroutine, what follows runs there, until the task ends; its awaiter
/// goes on at home. In the other styles the waiter is at home anyway, so that nothing follows there.
///
/// Lifetime  there must live until the operation has come.
/// Threads   starts on any thread, is told on there's.
[[nodiscard]] inline auto resume_on(loop& there) noexcept { return detail::resume_on_sender{&there}; }

}  // namespace braid
