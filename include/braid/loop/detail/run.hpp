#pragma once

#include <optional>
#include <source_location>
#include <utility>

#include "braid/loop/detail/running_scope.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

// Waits for one operation while the loop turns.
template <class T>
class run_waiter : operation_base {
 public:
  run_waiter(loop& home, std::source_location where) noexcept
      : operation_base(on_delivery), home_(home), frame_(where) {}

  struct receiver {
    run_waiter* self;
    void finish(result<T> with) && noexcept { self->finish(std::move(with)); }
    [[nodiscard]] stop_token get_stop_token() const noexcept { return {}; }
    [[nodiscard]] async_frame* frame() const noexcept { return self->frame_.frame(); }
  };

  [[nodiscard]] bool done() const noexcept { return done_; }
  T value() && { return std::move(*result_).value(); }

 private:
  void finish(result<T>&& with) noexcept {
    if (!with) [[unlikely]]
      attach_stack(with.error(), frame_.frame());
    result_.emplace(std::move(with));
    if (loop::current_or_null() == &home_)
      done_ = true;
    else
      home_.operations().deliver(*this);  // ended on another loop's thread
  }
  static void on_delivery(operation_base& base, completion) noexcept {
    static_cast<run_waiter&>(base).done_ = true;
  }

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
  auto state = connect(as_sender(std::forward<S>(op)), typename detail::run_waiter<value>::receiver{&waiter});
  state.start();
  while (!waiter.done()) turn(true);
  return std::move(waiter).value();
}

}  // namespace braid
