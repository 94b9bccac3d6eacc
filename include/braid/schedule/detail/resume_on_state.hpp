#pragma once

#include <coroutine>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

// Goes to the other loop, and back to the loop on which it was started.
template <class R>
class resume_on_state final : operation_base {
 public:
  resume_on_state(loop& there, R receiver) noexcept
      : operation_base(on_delivery), there_(there), receiver_(std::move(receiver)) {}
  void start() noexcept {
    home_ = loop::current_or_null();
    if (leaves()) home_->operations().expect_delivery();
    there_.operations().deliver(*this);
  }

 private:
  [[nodiscard]] bool leaves() const noexcept { return home_ != nullptr && home_ != &there_; }

  static void on_delivery(operation_base& base, completion) noexcept {
    auto& self = static_cast<resume_on_state&>(base);
    if (self.leaves()) {
      if (loop::current_or_null() != self.home_) return self.home_->operations().deliver(self);
      self.home_->operations().delivery_arrived();
    }
    R receiver = std::move(self.receiver_);
    std::move(receiver).finish(result<void>());
  }

  loop& there_;
  loop* home_ = nullptr;
  R receiver_;
};

// Takes a coroutine to the other loop and leaves it there.
class resume_on_awaiter final : operation_base {
 public:
  explicit resume_on_awaiter(loop& there) noexcept : operation_base(not_yet), there_(there) {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> traveller) {
    traveller.promise().depart_for(there_);
    traveller_ = traveller.address();
    finish_by(on_delivery<Promise>);
    there_.operations().deliver(*this);  // it may be running there by now
  }
  void await_resume() const noexcept {}

 private:
  static void not_yet(operation_base&, completion) noexcept {}
  template <class Promise>
  static void on_delivery(operation_base& base, completion) {
    auto& self = static_cast<resume_on_awaiter&>(base);
    const auto traveller = std::coroutine_handle<Promise>::from_address(self.traveller_);
    traveller.promise().arrive_on(self.there_);
    traveller.resume();
  }

  loop& there_;
  void* traveller_ = nullptr;
};

struct resume_on_sender {
  using sender_concept = sender_tag;
  using value_type = void;
  loop* there;
  template <receiver_of<void> R>
  auto connect(R receiver) && noexcept {
    return resume_on_state<R>(*there, std::move(receiver));
  }
  auto awaited_by(auto&) && noexcept { return resume_on_awaiter(*there); }
};

}  // namespace braid::detail
