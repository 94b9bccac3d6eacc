#pragma once

#include <atomic>
#include <stdexcept>
#include <string>
#include <utility>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/combine/detail/join_base.hpp"
#include "braid/combine/detail/join_failures.hpp"
#include "braid/combine/detail/scope_chain.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/detail/future_state.hpp"

namespace braid::detail {

// A join to which operations can be added while it runs: the scope's function and its children. The first
// failure stops all.
//
// Threads  its home loop's, except request_stop.
class scope_join : public join_base, public chain_scope, operation_base {
 public:
  /// For an object that may outlive the scope, such as the future of a child. Throws std::bad_alloc.
  [[nodiscard]] scope_life::reference life() {
    if (!life_) life_ = scope_life::of(*this);
    return life_;
  }
  /// True while the scope still runs.
  [[nodiscard]] bool living() const noexcept { return !over_ && !abandoned_; }
  /// Adds a link of a chain on a child.
  void enter(scope_chain& chain) noexcept {
    hold();
    chains_.push_front(chain);
  }
  /// The link has failed. The error counts unless it is one that a child has reported already.
  void chain_failed(const error& failure) noexcept {
    if (!failures_.contain(failure)) child_failed(failure);
  }
  void chain_ended() noexcept override { release(); }

  [[nodiscard]] async_frame* frame() const noexcept { return waiting_; }

  /// A request from another thread is delivered to the home loop; the scope waits for the delivery.
  void request_stop(stop_reason why) noexcept {
    if (loop::current_or_null() == home()) {
      if (over_ || abandoned_) return;
      stopped_by_request_ = true;
      stop_children(why);
    } else if (stop_reason none = stop_reason::none;
               asked_.compare_exchange_strong(none, why, std::memory_order_acq_rel)) {
      home()->operations().deliver(*this);
    }
  }

  /// True if a child may start; else it must end as cancelled. Throws std::logic_error when the scope has
  /// ended, or on another thread.
  [[nodiscard]] bool admits() const {
    if (over_ && !abandoned_) throw std::logic_error("scope::spawn: the scope has ended");
    if (loop::current_or_null() != home())
      throw std::logic_error("scope::spawn: this is not the thread of the scope's loop");
    return !abandoned_ && !stopping();
  }
  void enter(resident& child) noexcept {
    hold();
    children_.push_front(child);
  }
  /// A child that was cancelled on request shows that the scope was cut short, if the request came from
  /// outside; otherwise the scope itself made the request.
  void child_failed(const error& failure) noexcept {
    if (!failure.is_requested_cancellation()) return fail(failure);
    cut_short_ = cut_short_ || outside_.stop_requested() || home()->ending();
  }

 protected:
  scope_join() noexcept : operation_base(asked_to_stop) {}
  ~scope_join() = default;

  [[nodiscard]] bool open(stop_token outside, async_frame* waiting) noexcept {
    outside_ = outside;
    waiting_ = waiting;
    return begin(outside);
  }
  void body_failed(error failure) noexcept {
    if (stopping() || home()->ending()) failure.set_requested(true);
    if (failure.is_requested_cancellation()) return stop_children(stop_reason::requested);
    if (!failures_.contain(failure)) fail(failure);  // else fn only passed on the error of a child
  }
  virtual void finish_receiver() noexcept = 0;  // called after this class's complete()
  [[nodiscard]] join_failures& failures() noexcept { return failures_; }
  [[nodiscard]] bool cut_short() const noexcept { return cut_short_; }
  /// True if request_stop stopped it.
  [[nodiscard]] bool stopped_by_request() const noexcept { return stopped_by_request_; }

  /// For the destructor of the derived class: destroys the children of a scope that the loop's end cut off,
  /// the youngest first, while the objects that they may refer to still exist.
  void abandon() noexcept {
    abandoned_ = true;
    end_life();
    while (!chains_.empty()) chains_.pop_front().lose_scope();
    while (!children_.empty()) children_.pop_front().abandon();
    if (asked() && !answered_) home()->operations().withdraw_ready(*this);
  }

 private:
  // Was a stop request delivered or is one on its way? No other one will be from now on.
  [[nodiscard]] bool asked() noexcept {
    stop_reason none = stop_reason::none;
    return !asked_.compare_exchange_strong(none, stop_reason::requested, std::memory_order_acq_rel);
  }
  void end_life() noexcept {
    if (life_) std::exchange(life_, {}).end();
  }
  void fail(const error& failure) noexcept {
    const bool decides = !failures_.any();
    failures_.add(failure);
    if (decides) stop_children(stop_reason::sibling_failed);
  }
  // Another thread may call request_stop at any time. From now on it sees asked_ and does nothing. If it was
  // earlier, its delivery may still be on its way, and the scope finishes when that has arrived.
  void complete() noexcept override {
    over_ = true;
    end_life();
    if (asked() && !answered_) return home()->operations().expect_delivery();
    answered_ = true;
    finish_receiver();
  }
  static void asked_to_stop(operation_base& base, completion) noexcept {
    auto& self = static_cast<scope_join&>(base);
    self.answered_ = true;
    if (!self.over_) {
      self.stopped_by_request_ = true;
      return self.stop_children(self.asked_.load(std::memory_order_relaxed));
    }
    self.home()->operations().delivery_arrived();
    self.finish_receiver();
  }

  // constant after open()
  stop_token outside_;
  async_frame* waiting_ = nullptr;
  // the home loop's thread
  intrusive_list<resident> children_;
  intrusive_list<scope_chain> chains_;  // links that have not ended
  scope_life::reference life_;  // made by life() on first use
  [[no_unique_address]] join_failures failures_;
  bool cut_short_ = false;
  bool stopped_by_request_ = false;
  bool over_ = false;  // the function and all children have ended
  bool abandoned_ = false;
  bool answered_ = false;  // the delivered request has arrived, or none can follow
  // any thread
  std::atomic<stop_reason> asked_{stop_reason::none};  // by a request from another thread
};

}  // namespace braid::detail
