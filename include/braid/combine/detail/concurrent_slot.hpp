#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"

namespace braid::detail {

// Room for one element and its operation; reused for later elements.
template <class Walk, class Element, class S>
class concurrent_slot final : public finishes_at_home_with<concurrent_slot<Walk, Element, S>, value_of<S>>,
                              public pooled {
 public:
  using value_type = value_of<S>;
  concurrent_slot(Walk& walk, std::unique_ptr<concurrent_slot> next)
      : walk_(walk), made_before_(std::move(next)) {}

  [[nodiscard]] Element& element() noexcept { return element_; }

  template <class F>
  void begin(F& f, std::size_t index) noexcept {
    index_ = index;
    try {
      state_.emplace(elided{[&] { return connect(as_sender(element_.give_to(f)), receiver{this}); }});
    } catch (...) {
      return on_finish(error::current());
    }
    state_->start();
  }

  concurrent_slot* next_free = nullptr;

  // For the operation.
  [[nodiscard]] stop_token child_stop_token() const noexcept { return walk_.child_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return walk_.frame(); }
  [[nodiscard]] loop* home() const noexcept { return walk_.home(); }
  void on_finish(result<value_type>&& with) noexcept {
    state_.reset();
    element_.drop();
    walk_.on_finish(*this, index_, std::move(with));
  }

 private:
  friend Walk;
  using receiver = inner_receiver<concurrent_slot, value_type>;

  Walk& walk_;
  std::unique_ptr<concurrent_slot> made_before_;
  std::size_t index_ = 0;
  Element element_;
  std::optional<connected<S, receiver>> state_;
};

}  // namespace braid::detail
