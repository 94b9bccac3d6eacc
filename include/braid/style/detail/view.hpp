#pragma once

#include <concepts>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/pinned.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/style/async_range.hpp"

namespace braid::detail {

// A range that gives an element without an operation, if that arrives within the call of next_at_once. If it
// does not, a next() follows, which would have begun the same.
template <class Range>
concept gives_at_once = requires(std::remove_reference_t<Range>& range, const stop_token& stop,
                                 async_frame* frame, result<std::optional<async_range_value_t<Range>>>& to) {
  { range.next_at_once(stop, frame, to) } noexcept -> std::same_as<bool>;
};

// A step says what a view does with each element of its range:
//
// value_type        the type of the view's own elements
// take(element, to) emplaces into `to` what the view gives for the element, or leaves it empty
// call(element)     instead: a sender, whose value take(value, element, to) gets
// flush(to)         optional: at the range's end, what is still to be given
// wants_more()      optional: false if no further element will be asked for
template <class Step, class Element>
inline constexpr bool calls_sender = requires(Step& step, Element& element) { step.call(element); };

// What a view owns. It outlives a next() in flight whose view is destroyed.
template <class Range, class Step>
class view_core : public pooled, pinned {
 public:
  using element = async_range_value_t<Range>;
  using value_type = typename Step::value_type;
  enum class phase : unsigned char { open, over, canceled };

  view_core(Range&& from, Step&& with) : range(std::forward<Range>(from)), step(std::move(with)) {}

  void lose_owner() noexcept {
    if (!busy) return delete this;
    owned = false;
  }
  // A next() has ended.
  void end_turn() noexcept {
    busy = false;
    if (!owned) delete this;
  }

  Range range;  // a reference where the caller passed an lvalue
  [[no_unique_address]] Step step;
  phase now = phase::open;
  bool busy = false;  // a next() is in flight
  bool owned = true;
};

struct no_call {
  static void reset() noexcept {}
};

// The operation that a step has made of an element, with the element, to which it may refer.
template <class State, class Element, class Call>
class view_call : public finishes_at_home_with<view_call<State, Element, Call>, value_of<Call>> {
  using value = value_of<Call>;

 public:
  view_call(State& of, Element&& element) : of_(of), element_(std::move(element)) {}
  template <class Step>
  void start(Step& step) {
    state_.emplace(elided{[&] { return connect(as_sender(step.call(element_)), receiver{this}); }});
    state_->start();
  }
  [[nodiscard]] Element& element() noexcept { return element_; }

  // For the operation.
  [[nodiscard]] stop_token child_stop_token() const noexcept { return of_.child_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return of_.frame(); }
  [[nodiscard]] loop* home() const noexcept { return of_.home(); }
  void on_finish(result<value>&& ended) noexcept {
    result<value> kept = std::move(ended);
    state_.reset();
    of_.on_call(std::move(kept));
  }

 private:
  using receiver = inner_receiver<view_call, value>;
  State& of_;
  Element element_;
  std::optional<connected<sender_of<Call>, receiver>> state_;
};
template <class State, class Step, class Element>
struct call_for {
  using type = no_call;
};
template <class State, class Step, class Element>
  requires calls_sender<Step, Element>
struct call_for<State, Step, Element> {
  using type = std::optional<
      view_call<State, Element, sender_of<decltype(std::declval<Step&>().call(std::declval<Element&>()))>>>;
};

// One next() of a view: asks the range until the step gives something.
template <class Core, class R>
class view_next_state final
    : public finishes_at_home_with<view_next_state<Core, R>, std::optional<typename Core::element>> {
  using element = typename Core::element;
  using value_type = typename Core::value_type;
  using step_type = decltype(Core::step);
  using phase = typename Core::phase;

 public:
  view_next_state(Core& core, R receiver) noexcept : core_(core), receiver_(std::move(receiver)) {}
  ~view_next_state() {
    if (!begun_) return;
    call_.reset();
    asked_.reset();
    core_.now = phase::canceled;
    core_.end_turn();
  }

  void start() noexcept {
    if (core_.busy) [[unlikely]]
      return refuse(misuse_error("next: another next of the view is in flight"));
    if (core_.now != phase::open) [[unlikely]] {
      if (core_.now == phase::canceled)
        return refuse(error(std::make_error_code(std::errc::operation_canceled), "next"));
      return refuse(result<std::optional<value_type>>(std::nullopt));
    }
    begun_ = core_.busy = true;
    home_ = loop::current_or_null();
    pump();
  }

  // For the operations.
  [[nodiscard]] stop_token child_stop_token() const noexcept { return receiver_.get_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return receiver_.frame(); }
  [[nodiscard]] loop* home() const noexcept { return home_; }
  void on_finish(result<std::optional<element>>&& next) noexcept {
    if (!next) [[unlikely]] {
      // A range that was cancelled says itself, at the following next(), whether it goes on.
      if (next.error() != std::errc::operation_canceled) core_.now = phase::over;
      return give(std::move(next).error());
    }
    if (!*next) [[unlikely]]
      return end();
    if constexpr (calls_sender<step_type, element>) {
      try {
        element arrived = **std::move(next);
        asked_.reset();
        call_.emplace(*this, std::move(arrived));
        return call_->start(core_.step);
      } catch (...) {
        call_.reset();
        return fail(error::current());
      }
    } else {
      result<std::optional<value_type>> to(std::nullopt);
      try {
        core_.step.take(**std::move(next), *to);
      } catch (...) {
        return fail(error::current());
      }
      if (*to) return give(std::move(to));
      asked_.reset();
      go_on();
    }
  }
  template <class T>
  void on_call(result<T>&& ended) noexcept {
    if (!ended) {
      call_.reset();
      return fail(std::move(ended).error());
    }
    result<std::optional<value_type>> to(std::nullopt);
    try {
      core_.step.take(*std::move(ended), call_->element(), *to);
    } catch (...) {
      call_.reset();
      return fail(error::current());
    }
    call_.reset();
    if (*to) return give(std::move(to));
    go_on();
  }

 private:
  using element_receiver = inner_receiver<view_next_state, std::optional<element>>;
  enum class how : unsigned char { waits, again, done };

  // Elements that arrive within the call of start are taken in this loop, so that the calls do not nest.
  void pump() noexcept {
    for (;;) {
      if constexpr (requires { core_.step.wants_more(); })
        if (!core_.step.wants_more()) return end();
      how ended = how::waits;
      inside_ = &ended;
      if constexpr (gives_at_once<decltype(Core::range)>) {
        result<std::optional<element>> next(std::nullopt);
        if (core_.range.next_at_once(receiver_.get_stop_token(), receiver_.frame(), next)) {
          on_finish(std::move(next));
          if (ended == how::again) continue;
          if (ended == how::waits) inside_ = nullptr;
          return;
        }
      }
      try {
        asked_.emplace(elided{[this] { return connect(core_.range.next(), element_receiver{this}); }});
      } catch (...) {
        return fail(error::current());
      }
      asked_->start();
      if (ended == how::done) return;  // *this may be gone
      inside_ = nullptr;
      if (ended == how::waits) return;
    }
  }
  void go_on() noexcept {
    if (inside_ == nullptr) return pump();
    *inside_ = how::again;
  }
  void end() noexcept {
    core_.now = phase::over;
    result<std::optional<value_type>> to(std::nullopt);
    if constexpr (requires { core_.step.flush(*to); }) {
      try {
        core_.step.flush(*to);
      } catch (...) {
        return fail(error::current());
      }
    }
    give(std::move(to));
  }
  // An element has reached the function, which gives nothing for it: the view cannot go on.
  void fail(error why) noexcept {
    core_.now = why == std::errc::operation_canceled ? phase::canceled : phase::over;
    give(std::move(why));
  }
  void give(result<std::optional<value_type>>&& ended) noexcept {
    if (inside_ != nullptr) *inside_ = how::done;
    begun_ = false;
    R receiver = std::move(receiver_);
    asked_.reset();
    core_.end_turn();
    std::move(receiver).finish(std::move(ended));
  }
  void refuse(result<std::optional<value_type>>&& ended) noexcept {
    R receiver = std::move(receiver_);
    std::move(receiver).finish(std::move(ended));
  }

  Core& core_;
  R receiver_;
  loop* home_ = nullptr;
  how* inside_ = nullptr;  // in pump, while the range starts a next()
  bool begun_ = false;
  std::optional<connected<next_of<decltype(Core::range)>, element_receiver>> asked_;
  [[no_unique_address]] typename call_for<view_next_state, step_type, element>::type call_;
};

template <class Core>
struct view_next {
  using sender_concept = sender_tag;
  using value_type = std::optional<typename Core::value_type>;
  Core* core;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && noexcept {
    return view_next_state<Core, R>(*core, std::move(receiver));
  }
};

// An async_range made of another one, element by element: the type of transform, filter and their like.
template <class Range, class Step>
class [[nodiscard]] view {
  using core = view_core<Range, Step>;

 public:
  view(Range&& range, Step step) : core_(new core(std::forward<Range>(range), std::move(step))) {}
  view(view&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  view& operator=(view other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~view() {
    if (core_ != nullptr) core_->lose_owner();
  }
  [[nodiscard]] auto next() { return view_next<core>{&held()}; }

  // For what is built on a view.
  [[nodiscard]] core& held() const {
    if (core_ == nullptr) throw std::logic_error("next: the view was moved from");
    return *core_;
  }

 private:
  core* core_;
};

}  // namespace braid::detail
