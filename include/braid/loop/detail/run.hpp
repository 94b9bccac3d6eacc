#pragma once

#include <optional>
#include <source_location>
#include <utility>

#include "braid/core/detail/inner_receiver.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"
#include "braid/loop/detail/running_scope.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

// Waits for one operation while the loop turns.
template <class T>
class run_waiter : public finishes_at_home<run_waiter<T>> {
 public:
  run_waiter(loop& home, std::source_location where) noexcept : home_(home), frame_(where) {}

  [[nodiscard]] bool done() const noexcept { return done_; }
  T value() && { return std::move(*result_).value(); }

  // For the operation.
  void finish(result<T>&& with) noexcept {
    if (!with) [[unlikely]]
      attach_stack(with.error(), frame_.frame());
    result_.emplace(std::move(with));
    this->finish_at_home();
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept { return {}; }
  [[nodiscard]] async_frame* frame() noexcept { return frame_.frame(); }
  [[nodiscard]] loop* home() const noexcept { return &home_; }
  void at_home() noexcept { done_ = true; }

 private:
  loop& home_;
  verb_frame frame_;
  std::optional<result<T>> result_;
  bool done_ = false;
};

}  // namespace braid::detail

namespace braid {

template <sender_or_factory S>
value_of<sender_of<S>> loop::run(S&& op, std::source_location where) {
  using value = value_of<sender_of<S>>;
  detail::running_scope scope(*this, "run");
  detail::run_waiter<value> waiter(*this, where);
  auto state = connect(as_sender(std::forward<S>(op)),
                       detail::inner_receiver<detail::run_waiter<value>, value>{&waiter});
  state.start();
  while (!waiter.done()) turn(true);
  return std::move(waiter).value();
}

}  // namespace braid
