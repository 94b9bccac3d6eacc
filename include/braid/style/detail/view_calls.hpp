#pragma once

#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/style/detail/view.hpp"
#include "braid/style/detail/view_steps.hpp"

// A transform whose senders are not awaited one by one: its elements are the calls of its function.

namespace braid::detail {

template <class F, class Element, class R>
class view_call_state : pinned {
  using call = sender_of<std::invoke_result_t<F&, Element>>;
  using receiver = inner_receiver<view_call_state, value_of<call>>;

 public:
  view_call_state(F& f, Element&& element, R to) noexcept(std::is_nothrow_move_constructible_v<Element>)
      : f_(f), element_(std::move(element)), receiver_(std::move(to)) {}
  void start() noexcept {
    try {
      state_.emplace(elided{
          [this] { return connect(as_sender(std::invoke(f_, std::move(element_))), receiver{this}); }});
    } catch (...) {
      return finish(error::current());
    }
    state_->start();
  }

  // For the operation.
  void finish(result<value_of<call>>&& ended) noexcept {
    R to = std::move(receiver_);
    std::move(to).finish(std::move(ended));
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept { return receiver_.get_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return receiver_.frame(); }

 private:
  F& f_;
  Element element_;  // the operation may refer to it
  R receiver_;
  std::optional<connected<call, receiver>> state_;
};

template <class F, class Element>
struct view_call_sender {
  using sender_concept = sender_tag;
  using value_type = value_of<std::invoke_result_t<F&, Element>>;
  F* f;
  Element element;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return view_call_state<F, Element, R>(*f, std::move(element), std::move(receiver));
  }
};

template <class F, class Element>
struct call_step {
  using value_type = view_call_sender<F, Element>;
  F f;
  void take(Element&& element, std::optional<value_type>& to) {
    to.emplace(value_type{&f, std::move(element)});
  }
};

template <class View>
inline constexpr bool calls_of_view = false;
template <class Range, class F, class Element>
  requires gives_sender<F, Element>
inline constexpr bool calls_of_view<view<Range, transform_step<F, Element>>> = true;

// A transform that awaits senders.
template <class View>
concept awaiting_transform = calls_of_view<View>;

/// Takes the transform apart: the result gives the calls themselves.
template <class Range, class F, class Element>
auto calls_of(view<Range, transform_step<F, Element>>&& from) {
  auto& held = from.held();
  if (held.busy) throw std::logic_error("buffered: a next of the transform is in flight");
  view<Range, call_step<F, Element>> calls(std::forward<Range>(held.range), {std::move(held.step.f)});
  using phase = typename std::remove_reference_t<decltype(calls.held())>::phase;
  calls.held().now = static_cast<phase>(held.now);
  return calls;
}

}  // namespace braid::detail
