#pragma once

#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "braid/base/result.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"
#include "braid/style/detail/fiber.hpp"
#include "braid/style/detail/late_result.hpp"

namespace braid::detail {

// Waits for one operation on a fiber's stack.
template <class T>
class fiber_waiter : public finishes_at_home<fiber_waiter<T>> {
 public:
  using receiver = inner_receiver<fiber_waiter, T>;
  static constexpr bool is_await = true;
  explicit fiber_waiter(fiber& waiting) noexcept : waiting_(waiting) {}

  template <class State>
  T wait_for(State& state) {
    state.start();
    starting_ = false;
    if (!ended_) waiting_.suspend();
    if (!ended_) [[unlikely]]
      return fiber::cut_off_await<T>();
    if constexpr (std::is_void_v<T>) {
      if (result_.has_failed()) [[unlikely]]
        fiber::failed_await<void>(std::move(result_).take().error());
    } else {
      return std::move(result_).value();
    }
  }

  // For the operation.
  void finish(result<T>&& with) noexcept {
    result_.set(std::move(with));
    this->finish_at_home();
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept { return waiting_.get_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return waiting_.frame(); }
  [[nodiscard]] loop* home() const noexcept { return &home_; }
  void at_home() noexcept {
    ended_ = true;
    if (!starting_) waiting_.resume();
  }

 private:
  fiber& waiting_;
  loop& home_ = loop::current("await");
  bool starting_ = true;
  bool ended_ = false;
  late_result<T> result_;
};

template <class F, class R>
class fiber_state : pinned {
  using value_type = std::invoke_result_t<F&>;

 public:
  fiber_state(F f, std::source_location where, R receiver)
      : f_(std::move(f)), receiver_(std::move(receiver)), where_(where) {}
  ~fiber_state() {
    if (fiber_ != nullptr) fiber_->release();
  }

  void start() noexcept {
    try {
      fiber_ = &fiber::lease(loop::current("in_fiber").options().fiber_stack_bytes);
    } catch (...) {
      return std::move(receiver_).finish(error::current());
    }
    fiber_->inherit(receiver_.get_stop_token(), receiver_.frame(), where_);
    fiber_->begin(run, done, this);
  }

 private:
  static void run(void* argument) noexcept {
    auto& self = *static_cast<fiber_state*>(argument);
    self.result_.emplace(capture(self.f_));
    if (!*self.result_) attach_stack(self.result_->error(), self.fiber_->frame());
  }
  static void done(void* argument) noexcept {
    auto& self = *static_cast<fiber_state*>(argument);
    std::exchange(self.fiber_, nullptr)->release();
    R receiver = std::move(self.receiver_);
    result<value_type> ended = std::move(*self.result_);
    std::move(receiver).finish(std::move(ended));
  }

  F f_;
  R receiver_;
  const std::source_location where_;
  fiber* fiber_ = nullptr;
  std::optional<result<value_type>> result_;
};

}  // namespace braid::detail
