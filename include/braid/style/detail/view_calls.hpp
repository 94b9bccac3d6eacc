#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/style/detail/view.hpp"
#include "braid/style/detail/view_steps.hpp"

// The calls of a transform's function, which returns senders, for what awaits them in another way.

namespace braid::detail {

template <class F, class Element, class R>
class view_call_state : pinned {
  using call = sender_of<std::invoke_result_t<F&, Element>>;

 public:
  view_call_state(F& f, Element&& element, R to) noexcept(std::is_nothrow_move_constructible_v<Element>)
      : f_(f), element_(std::move(element)), receiver_(std::move(to)) {}
  void start() noexcept {
    try {
      state_.emplace(elided{
          [this] { return connect(as_sender(std::invoke(f_, std::move(element_))), receiver_of_call()); }});
    } catch (...) {
      return finish(error::current());
    }
    state_->start();
  }

  // For the operation, where its receiver is not a copy of this one's.
  void finish(result<value_of<call>>&& ended) noexcept {
    R to = std::move(receiver_);
    std::move(to).finish(std::move(ended));
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept { return receiver_.get_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return receiver_.frame(); }

 private:
  [[nodiscard]] auto receiver_of_call() noexcept {
    if constexpr (std::is_trivially_copyable_v<R>)
      return receiver_;
    else
      return inner_receiver<view_call_state, value_of<call>>{this};
  }
  using receiver =
      std::conditional_t<std::is_trivially_copyable_v<R>, R, inner_receiver<view_call_state, value_of<call>>>;

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

// Makes the call of an element. It stays at its address while calls exist.
template <class F, class Element>
struct call_of {
  F f;
  auto operator()(Element&& element) { return view_call_sender<F, Element>{&f, std::move(element)}; }
};

template <class View>
inline constexpr bool awaits_senders = false;
template <class Range, class F, class Element>
  requires gives_sender<F, Element>
inline constexpr bool awaits_senders<view<Range, transform_step<F, Element>>> = true;

// A transform that awaits senders.
template <class View>
concept awaiting_transform = awaits_senders<View>;

}  // namespace braid::detail
