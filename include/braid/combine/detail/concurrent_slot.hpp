#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/core/defer.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

// Room for one element and its operation; reused for later elements.
template <class Walk, class Element, class S>
class concurrent_slot final : operation_base, public pooled {
 public:
  using value_type = value_of<S>;
  concurrent_slot(Walk& walk, std::unique_ptr<concurrent_slot> next)
      : operation_base(on_delivery), walk_(walk), made_before_(std::move(next)) {}

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

 private:
  friend Walk;
  struct receiver {
    concurrent_slot* self;
    void finish(result<value_type> with) && noexcept { self->end(std::move(with)); }
    [[nodiscard]] stop_token get_stop_token() const noexcept { return self->walk_.child_stop_token(); }
    [[nodiscard]] async_frame* frame() const noexcept { return self->walk_.frame(); }
  };

  void end(result<value_type>&& with) noexcept {
    if (loop::current_or_null() == walk_.home()) return on_finish(std::move(with));
    late_.emplace(std::move(with));
    walk_.home()->operations().deliver(*this);
  }
  static void on_delivery(operation_base& base, completion) noexcept {
    auto& self = static_cast<concurrent_slot&>(base);
    result<value_type> with = *std::move(self.late_);
    self.late_.reset();
    self.on_finish(std::move(with));
  }
  void on_finish(result<value_type>&& with) noexcept {
    state_.reset();
    element_.drop();
    walk_.on_finish(*this, index_, std::move(with));
  }

  Walk& walk_;
  std::unique_ptr<concurrent_slot> made_before_;
  std::size_t index_ = 0;
  Element element_;
  std::optional<result<value_type>> late_;  // the result of an operation that ended on another thread
  std::optional<connected<S, receiver>> state_;
};

}  // namespace braid::detail
