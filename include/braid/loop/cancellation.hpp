#pragma once

#include <new>

#include "braid/core/stop_token.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

/// Brings a stop request, made on any thread, to an operation on its loop's thread. A part of the operation.
///
/// Threads  arm and disarm on the loop's; a request from elsewhere travels through the loop's inbox. The operation
///          must not end while it travels: then disarm says false, and the operation is told again on its arrival.
/// Cost     nothing but a test where stop is not possible; else one registration with the stop_source.
class cancellation : operation_base {
 public:
  using cancel_fn = void(cancellation&) noexcept;   // begins to cancel the operation
  using resume_fn = void(cancellation&) noexcept;   // what disarm put off may now be done

  cancellation(cancel_fn& cancel, resume_fn& resume) noexcept
      : operation_base(arrived), cancel_(&cancel), resume_(&resume) {}
  ~cancellation() { BRAID_ASSERT(!armed_); }

  /// Call it once, after the operation has begun. A stop that was requested already cancels here and now.
  void arm(stop_token token, loop& home) noexcept {
    if (!token.stop_possible()) return;
    home_ = &home;
    armed_ = true;
    new (&callback_) callback(token, on_stop{this});
  }

  /// The operation has ended: no stop request will reach it any more. False when one is on its way; then the
  /// operation must wait for resume before it tells anyone.
  [[nodiscard]] bool disarm() noexcept {
    if (!armed_) return true;
    armed_ = false;
    callback_.~callback();
    if (!travels_) return true;
    put_off_ = true;
    return false;
  }

  /// Has a stop request come to the operation?
  [[nodiscard]] bool requested() const noexcept { return requested_; }

 private:
  struct on_stop {
    cancellation* self;
    void operator()() const noexcept { self->stop_requested(); }
  };
  using callback = stop_callback<on_stop>;

  void stop_requested() noexcept {
    if (loop::current_or_null() == home_) {
      requested_ = true;
      return cancel_(*this);
    }
    travels_ = true;  // seen by disarm, which leaves the callback first
    home_->deliver(*this);
  }

  static void arrived(operation_base& base, completion) noexcept {
    auto& self = static_cast<cancellation&>(base);
    self.travels_ = false;
    self.requested_ = true;
    if (self.put_off_)
      self.resume_(self);
    else
      self.cancel_(self);
  }

  cancel_fn* cancel_;
  resume_fn* resume_;
  loop* home_ = nullptr;
  bool armed_ = false;
  bool requested_ = false;
  bool put_off_ = false;
  bool travels_ = false;  // written by the stopping thread, read here once the callback is gone or has arrived
  union {
    callback callback_;  // alive while armed_
  };
};

}  // namespace braid
