#pragma once

#include <new>
#include <source_location>
#include <type_traits>
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

// The home loop of a start_box: kept where the operation may end on another thread, else the current one.
class home_kept {
 public:
  home_kept() noexcept : home_(*loop::current_or_null()) {}
  [[nodiscard]] loop& home() const noexcept { return home_; }

 private:
  loop& home_;
};
struct home_here {
  [[nodiscard]] static loop& home() noexcept { return *loop::current_or_null(); }
};

// For an operation that may end at once, on another thread, or never. The loop keeps it for the last case.
template <sender S, class Handler>
class start_box final : resident,
                        std::conditional_t<ends_at_home<S>, home_here, home_kept>,
                        operation_base,
                        pooled {
  using home_type = std::conditional_t<ends_at_home<S>, home_here, home_kept>;
  using value_type = value_of<S>;

 public:
  using pooled::operator new, pooled::operator delete;

  static void begin(S&& op, Handler&& handler, std::source_location where) {
    loop& home = loop::current("start");
    auto* box = new start_box(std::move(op), std::move(handler), where);
    home.operations().adopt(*box);
    box->room_.state.start();
    box->starting_ = false;  // the box still exists: an operation that has ended waits for a turn
  }

  // For the operation.
  void finish(result<value_type>&& with) noexcept {
    const bool at_home = ends_at_home<S> || loop::current_or_null() == &this->home();
    if (at_home && !starting_) [[likely]]
      return handle(std::move(with));
    keep(std::move(with));
    if (at_home)
      this->home().operations().make_ready(*this);
    else
      this->home().operations().deliver(*this);
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept { return {}; }
  [[nodiscard]] async_frame* frame() noexcept { return frame_.frame(); }

 private:
  using receiver = inner_receiver<start_box, value_type>;
  using state_type = connected<S, receiver>;

  [[gnu::always_inline]] start_box(S&& op, Handler&& handler, std::source_location where)
      : operation_base(on_finish),
        frame_(where),
        handler_(std::move(handler)),
        room_(std::move(op), receiver{this}) {}
  [[gnu::always_inline]] ~start_box() {
    if (kept_) room_.kept.~result();
    if (!kept_ || !ends_at_home<S>) room_.state.~state_type();
  }

  static void on_finish(operation_base& base, completion) noexcept {
    auto& self = static_cast<start_box&>(base);
    self.handle(std::move(self.room_.kept));
  }

  [[gnu::always_inline]] void keep(result<value_type>&& with) noexcept {
    if constexpr (ends_at_home<S> && !requires { requires state_type::is_spent_once_ended; })
      room_.state.~state_type();
    new (&room_.kept) result<value_type>(std::move(with));
    kept_ = true;
  }

  void handle(result<value_type>&& with) noexcept {
    const home_type home = *this;
    const std::source_location where = frame_.frame()->where;
    Handler handler = std::move(handler_);
    result<value_type> ended = std::move(with);
    if (!ended) [[unlikely]]
      attach_stack(ended.error(), frame_.frame());
    unlink();
    delete this;
    try {
      handler(std::move(ended));
    } catch (...) {
      const async_frame frame(nullptr, where);
      home.home().report_unhandled(error::current(), &frame);
    }
  }

  void abandon() noexcept override { delete this; }

  // The first members fit into the padding of operation_base.
  bool starting_ = true;
  bool kept_ = false;
  verb_frame frame_;
  [[no_unique_address]] Handler handler_;
  // The operation, and once kept_ its result: it ended where the handler may not run. If it has ended on its
  // home loop's thread, no code uses the operation any more, so that the result takes its place.
  union shared_room {
    shared_room(S&& op, receiver to) : state(connect(std::move(op), to)) {}
    ~shared_room() {}
    state_type state;
    result<value_type> kept;
  };
  struct separate_room {
    separate_room(S&& op, receiver to) : state(connect(std::move(op), to)) {}
    ~separate_room() {}
    union {
      state_type state;
    };
    union {
      result<value_type> kept;
    };
  };
  std::conditional_t<ends_at_home<S>, shared_room, separate_room> room_;
};

// The handler of detach.
struct loud_handler {
  template <class T>
  void operator()(result<T> ended) const noexcept {
    if (!ended)
      loop::current().report_unhandled(std::move(ended).error(), nullptr);  // the error has its stack
  }
};

}  // namespace braid::detail
