#include "braid/style/shared_task.hpp"

namespace braid::detail {

shared_waiter::shared_waiter(shared_run_base& run, wake_fn& on_wake) noexcept
    : operation_base(on_finish), run_(run), on_wake_(on_wake) {
  run_.add_reference();
}

shared_waiter::~shared_waiter() {
  if (home_ != nullptr) {
    if (linked()) leave();
    cancellation::drop();
    if (in_flight()) home_->operations().withdraw_ready(*this);
    if (run_.state_ == shared_run_base::state::running && run_.waiters_.empty()) run_.abandon();
  }
  run_.drop_reference();
}

bool shared_waiter::wait(stop_token token, async_frame* frame) noexcept {
  using state = shared_run_base::state;
  loop* const here = loop::current_or_null();
  if (run_.ended() || (run_.state_ == state::running && run_.home_ != here)) return false;
  home_ = here;
  frame_ = frame;
  run_.waiters_.push_back(*this);
  if (run_.state_ == state::lazy) {
    run_.state_ = state::running;
    run_.home_ = here;
    run_.frame_.belong_here();
    run_.frame_.called_by(frame);
    run_.beginner_ = this;
    run_.begin();
    run_.beginner_ = nullptr;
    if (run_.ended()) {
      home_ = nullptr;
      return false;
    }
  }
  arm<on_stop, on_late_stop>(token);
  return true;
}

void shared_waiter::on_finish(operation_base& base, completion) noexcept {
  auto& self = static_cast<shared_waiter&>(base);
  if (self.disarm()) on_late_stop(self);
}

void shared_waiter::on_stop(cancellation& base) noexcept {
  auto& self = static_cast<shared_waiter&>(base);
  if (!self.linked()) return;  // the run has ended already
  self.leave();
  if (self.run_.waiters_.empty()) {
    self.run_.waiters_.push_back(self);
    self.run_.frame_.called_by(self.frame_);
    self.run_.stop_.request_stop(stop_reason::not_needed);
    return;
  }
  self.left_ = true;
  self.home_->operations().make_ready(self);
}

// The run's asynchronous stack must not lead to a waiter that has left.
void shared_waiter::leave() noexcept {
  unlink();
  if (run_.frame_.parent != frame_) return;
  run_.frame_.called_by(run_.waiters_.empty() ? nullptr : run_.waiters_.front().frame_);
}

void shared_waiter::on_late_stop(cancellation& base) noexcept {
  auto& self = static_cast<shared_waiter&>(base);
  self.home_ = nullptr;
  self.on_wake_(self);
}

void shared_run_base::wake_waiters() noexcept {
  state_ = state::ended;
  while (!waiters_.empty()) {
    shared_waiter& next = waiters_.pop_front();
    if (&next != beginner_) next.home_->operations().make_ready(next);
  }
}

error shared_task_canceled() { return {std::make_error_code(std::errc::operation_canceled), "shared_task"}; }
error shared_task_elsewhere() { return misuse_error("shared_task: it runs on another loop"); }

}  // namespace braid::detail
