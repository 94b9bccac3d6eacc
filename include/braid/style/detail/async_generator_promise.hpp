#pragma once

#include <coroutine>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "braid/base/detail/nested_call.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/transfer.hpp"
#include "braid/style/detail/coroutine_promise.hpp"
#include "braid/style/detail/late_result.hpp"
#include "braid/style/task.hpp"

namespace braid {
template <class T>
class async_generator;
}  // namespace braid

namespace braid::detail {

// The promise of an asynchronous generator. The time from a next() to its co_yield is called a turn here.
// During a turn the promise acts like a task's: it inherits the awaiter's token and frame, and resumes the
// awaiter at the end. The generator owns the coroutine frame. If the generator is destroyed during a turn, or
// the loop ends, the turn destroys the frame.
template <class T>
class async_generator_promise final : public task_promise_base {
 public:
  using handle = std::coroutine_handle<async_generator_promise>;
  using late_element = late_result<std::optional<T>>;

  explicit async_generator_promise(std::source_location begins = std::source_location::current()) noexcept
      : task_promise_base(begins) {}
  [[nodiscard]] async_generator<T> get_return_object() noexcept;
  [[nodiscard]] auto final_suspend() const noexcept { return turn_end(); }
  template <class U = T>
    requires std::is_constructible_v<T, U&&>
  [[nodiscard]] auto yield_value(U&& element) {
    element_->set_value(std::in_place, std::forward<U>(element));
    return turn_end();
  }
  void return_void() noexcept { element_->set_value(std::nullopt); }
  void unhandled_exception() noexcept {
    error failure = current_failure();
    if (failure == std::errc::operation_canceled) canceled_ = true;
    element_->set_error(std::move(failure));
  }

  // For a turn.
  [[nodiscard]] bool in_turn() const noexcept { return element_ != nullptr; }
  /// Has the generator ended as cancelled?
  [[nodiscard]] bool canceled() const noexcept { return canceled_; }
  void begin_turn(late_element& where, stop_token stop, async_frame* parent) noexcept {
    element_ = &where;
    inherit(stop, parent);
  }
  void end_turn() noexcept {
    element_ = nullptr;
    end_frame();
    if (owner_ == nullptr) destroy_nested(self());
  }
  void abandon_turn() noexcept {
    if (owner_ != nullptr) owner_->frame_ = nullptr;
    destroy_nested(self());
  }

  // For the generator.
  void belong_to(async_generator<T>& owner) noexcept { owner_ = &owner; }
  void lose_owner() noexcept {
    owner_ = nullptr;
    if (!in_turn()) destroy_nested(self());
  }

 private:
  struct turn_end {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(handle yielding) const noexcept {
      async_generator_promise& promise = yielding.promise();
      if (!inline_start::mark_completed(&promise)) promise.resume_awaiter();  // may destroy the frame
    }
    void await_resume() const noexcept {}
  };
  [[nodiscard]] handle self() noexcept { return handle::from_promise(*this); }

  // the home loop's thread
  async_generator<T>* owner_ = nullptr;
  bool canceled_ = false;
  late_element* element_ = nullptr;  // receives the turn's element; null outside a turn
};

// One next(), from its start to its end.
template <class T>
class generator_turn : pinned {
 public:
  using handle = std::coroutine_handle<async_generator_promise<T>>;
  explicit generator_turn(handle frame) noexcept : frame_(frame) {}
  ~generator_turn() {
    if (!begun_) return;
    if (element_.empty())
      frame_.promise().abandon_turn();
    else
      frame_.promise().end_turn();
  }

  /// False if nothing needs to run: the turn has its result already.
  [[nodiscard]] bool begin(stop_token stop, async_frame* parent) noexcept {
    async_generator_promise<T>& promise = frame_.promise();
    if (promise.in_turn()) [[unlikely]] {
      element_.set_error(misuse_error("async_generator::next: another next is in flight"));
    } else if (frame_.done()) {
      if (promise.canceled())
        element_.set_error(
            error(std::make_error_code(std::errc::operation_canceled), "async_generator::next"));
      else
        element_.set_value(std::nullopt);
    } else {
      begun_ = true;
      promise.begin_turn(element_, stop, parent);
    }
    return begun_;
  }
  [[nodiscard]] handle frame() const noexcept { return frame_; }
  /// Ends the turn and returns its result. The generator may have been destroyed by then.
  [[nodiscard]] late_result<std::optional<T>>&& end() noexcept {
    if (std::exchange(begun_, false)) frame_.promise().end_turn();
    return std::move(element_);
  }

 private:
  const handle frame_;
  late_result<std::optional<T>> element_;
  bool begun_ = false;
};

// Awaits a next() in a coroutine, like task_awaiter for a task.
template <class T>
class next_awaiter {
 public:
  next_awaiter(std::coroutine_handle<async_generator_promise<T>> frame, coroutine_promise& parent) noexcept
      : turn_(frame), parent_(parent) {}

  [[nodiscard]] bool await_ready() noexcept {
    return !turn_.begin(parent_.get_stop_token(), parent_.frame());
  }
  bool await_suspend(std::coroutine_handle<> awaiting) noexcept {
    const auto frame = turn_.frame();
    frame.promise().set_continuation(awaiting);
    if (transfers.too_deep()) [[unlikely]]
      return park(frame), true;
    inline_start scope(&frame.promise());
    frame.resume();
    return !scope.completed();
  }
  std::optional<T> await_resume() { return turn_.end().value(); }

 private:
  generator_turn<T> turn_;
  coroutine_promise& parent_;
};

template <class T, class R>
class next_state final : pinned {
 public:
  next_state(std::coroutine_handle<async_generator_promise<T>> frame, R receiver)
      : turn_(frame), receiver_(std::move(receiver)) {}

  void start() noexcept {
    if (!turn_.begin(receiver_.get_stop_token(), receiver_.frame())) return done(this);
    const auto frame = turn_.frame();
    frame.promise().set_done(done, this);
    if (transfers.too_deep()) [[unlikely]]
      return park(frame);
    if (ends_within(frame)) done(this);
  }

 private:
  // Runs the generator. True if it has yielded or ended; if not, *this may be gone.
  static bool ends_within(std::coroutine_handle<async_generator_promise<T>> frame) {
    const inline_start scope(&frame.promise());
    resume(frame);
    return scope.completed();
  }
  static void done(void* state) noexcept {
    auto& self = *static_cast<next_state*>(state);
    R receiver = std::move(self.receiver_);
    result<std::optional<T>> ended = self.turn_.end().take();
    std::move(receiver).finish(std::move(ended));
  }

  generator_turn<T> turn_;
  R receiver_;
};

template <class T>
struct next_sender {
  using sender_concept = sender_tag;
  using value_type = std::optional<T>;
  std::coroutine_handle<async_generator_promise<T>> frame;

  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return next_state<T, R>(frame, std::move(receiver));
  }
  [[nodiscard]] next_awaiter<T> awaited_by(coroutine_promise& parent) && noexcept { return {frame, parent}; }
};

}  // namespace braid::detail
