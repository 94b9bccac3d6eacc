#pragma once

#include <type_traits>
#include <utility>

#include "braid/core/sender.hpp"

namespace braid::detail {

template <class F, class R>
class just_state : pinned {
 public:
  just_state(F make, R receiver) : make_(std::move(make)), receiver_(std::move(receiver)) {}
  void start() noexcept {
    R receiver = std::move(receiver_);
    auto made = make_();
    std::move(receiver).finish(std::move(made));
  }

 private:
  F make_;
  R receiver_;
};

template <class F>
struct just_sender {
  using sender_concept = sender_tag;
  using value_type = typename std::invoke_result_t<F&>::value_type;
  F make;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return just_state<F, R>(std::move(make), std::move(receiver));
  }
};

template <class F>
auto just_made_by(F f) {
  auto make = [f = std::move(f)]() mutable noexcept { return capture(f); };
  return just_sender<decltype(make)>{std::move(make)};
}

}  // namespace braid::detail
