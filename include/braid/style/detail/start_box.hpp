#pragma once

#include <new>
#include <source_location>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/result.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

// A started operation and its handler in one block of the frame pool. The block goes back to the pool before
// the handler runs, so that a handler that starts the next operation reuses it.
template <sender S, class Handler>
class start_box;

template <sender S, class Handler>
  requires completes_later<S>
class start_box<S, Handler> final : public pooled {
  using value_type = value_of<S>;

 public:
  static void begin(S&& op, Handler&& handler, std::source_location where) {
    (void)loop::current("start");
    (new start_box(std::move(op), std::move(handler), where))->state_.start();
  }

  // For the operation.
  void finish(result<value_type>&& ended) noexcept {
    if (!ended) [[unlikely]]
      attach_stack(ended.error(), frame_.frame());
    const async_frame frame = *frame_.frame();
    Handler handler = std::move(handler_);
    delete this;
    try {
      handler(std::move(ended));
    } catch (...) {
      loop::current().report_unhandled(error::current(), &frame);
    }
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept { return {}; }
  [[nodiscard]] async_frame* frame() noexcept { return frame_.frame(); }

 private:
  using receiver = inner_receiver<start_box, value_type>;

  start_box(S&& op, Handler&& handler, std::source_location where)
      : frame_(where), handler_(std::move(handler)), state_(connect(std::move(op), receiver{this})) {}

  verb_frame frame_;
  [[no_unique_address]] Handler handler_;
  connected<S, receiver> state_;
};

// For an operation that may end at once, on another thread, or never. The loop keeps it for the last case.
template <sender S, class Handler>
class start_box final : operation_base, resident, pooled {
  using value_type = value_of<S>;

 public:
  using pooled::operator new, pooled::operator delete;

  static void begin(S&& op, Handler&& handler, std::source_location where) {
    loop& home = loop::current("start");
    auto* box = new start_box(std::move(op), std::move(handler), home, where);
    home.operations().adopt(*box);
    box->state_.start();
    box->starting_ = false;  // the box still exists: an operation that has ended waits for a turn
  }

  // For the operation.
  void finish(result<value_type>&& with) noexcept {
    const bool at_home = loop::current_or_null() == &home_;
    if (at_home && !starting_) [[likely]]
      return handle(std::move(with));
    new (&kept_result_) result<value_type>(std::move(with));
    kept_ = true;
    if (at_home)
      home_.operations().make_ready(*this);
    else
      home_.operations().deliver(*this);
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept { return {}; }
  [[nodiscard]] async_frame* frame() noexcept { return frame_.frame(); }

 private:
  using receiver = inner_receiver<start_box, value_type>;

  [[gnu::always_inline]] start_box(S&& op, Handler&& handler, loop& home, std::source_location where)
      : operation_base(on_finish),
        home_(home),
        frame_(where),
        handler_(std::move(handler)),
        state_(connect(std::move(op), receiver{this})) {}
  ~start_box() {
    if (kept_) kept_result_.~result();
  }

  static void on_finish(operation_base& base, completion) noexcept {
    auto& self = static_cast<start_box&>(base);
    self.handle(std::move(self.kept_result_));
  }

  void handle(result<value_type>&& with) noexcept {
    loop& home = home_;
    const async_frame frame = *frame_.frame();
    Handler handler = std::move(handler_);
    result<value_type> ended = std::move(with);
    if (!ended) [[unlikely]]
      attach_stack(ended.error(), &frame);
    unlink();
    delete this;
    try {
      handler(std::move(ended));
    } catch (...) {
      home.report_unhandled(error::current(), &frame);
    }
  }

  void abandon() noexcept override { delete this; }

  loop& home_;
  verb_frame frame_;
  bool starting_ = true;
  bool kept_ = false;
  [[no_unique_address]] Handler handler_;
  union {
    result<value_type> kept_result_;  // alive while kept_: the operation ended where the handler may not run
  };
  connected<S, receiver> state_;
};

// The handler of detach.
struct loud_handler {
  loop& home;
  template <class T>
  void operator()(result<T> ended) const noexcept {
    if (!ended) home.report_unhandled(std::move(ended).error(), nullptr);  // the error has its stack
  }
};

}  // namespace braid::detail
