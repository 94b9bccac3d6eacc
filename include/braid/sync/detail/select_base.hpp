#pragma once

#include <cstddef>

#include "braid/base/detail/assert.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/loop.hpp"
#include "braid/sync/detail/waiter.hpp"

namespace braid::detail {

// The part of a select that does not depend on its operations. It decides for the first one that gets what it
// waits for, or for none when stop is requested or the loop ends. It finishes in a later turn, once the
// timers and the futures that were not chosen have left.
class select_base : public sync_group, operation_base, cancellation {
 public:
  static constexpr std::size_t none = ~std::size_t{0};

  // The number of the next operation of this select.
  [[nodiscard]] std::size_t add() noexcept { return size_++; }
  // Called when a claim is handed over, a timer ends, a future is settled, or a stop is requested.
  void decide(std::size_t number) noexcept final {
    BRAID_ASSERT(!decided_);
    decided_ = true;
    choice_ = number;
    deferred_withdrawals others;
    leave_queues();
    others.later(*this);
    if (elsewhere_ == 0) home_->operations().make_ready(*this);
  }
  [[nodiscard]] bool has_decided() const noexcept { return decided_; }
  [[nodiscard]] loop& home() const noexcept { return *home_; }

  // For an operation that may not leave at once: it waits elsewhere, and then does not any more.
  void waits_elsewhere() noexcept { ++elsewhere_; }
  void has_left() noexcept { --elsewhere_; }
  // It leaves after the decision.
  void leaves_late() noexcept {
    has_left();
    if (elsewhere_ == 0) home_->operations().make_ready(*this);
  }

 protected:
  select_base() noexcept : operation_base(on_ready) {}
  ~select_base() {
    cancellation::drop();
    if (in_flight()) home_->operations().withdraw_ready(*this);
  }
  void begin_on(loop& home) noexcept { home_ = &home; }
  void obey(stop_token token) noexcept { arm<on_stop, on_late_stop>(token); }
  [[nodiscard]] std::size_t choice() const noexcept { return choice_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // Removes every waiting claim from its queue and cancels every timer.
  virtual void leave_queues() noexcept = 0;
  virtual void complete() noexcept = 0;

 private:
  static void on_ready(operation_base& base, completion) noexcept {
    auto& self = static_cast<select_base&>(base);
    if (self.disarm()) self.complete();
  }
  static void on_stop(cancellation& base) noexcept {
    auto& self = static_cast<select_base&>(base);
    if (!self.decided_) self.decide(none);
  }
  static void on_late_stop(cancellation& base) noexcept { static_cast<select_base&>(base).complete(); }

  loop* home_ = nullptr;
  std::size_t size_ = 0;
  std::size_t choice_ = none;
  std::size_t elsewhere_ = 0;
  bool decided_ = false;
};

}  // namespace braid::detail
