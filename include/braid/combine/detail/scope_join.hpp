#pragma once

#include <atomic>
#include <stdexcept>
#include <string>
#include <utility>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/combine/detail/join.hpp"
#include "braid/combine/detail/scope_chain.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/detail/future_state.hpp"

namespace braid::detail {

// A join whose operations come as they are spawned: the scope's function and its children. The first failure
// stops all.
//
// Threads  its home loop's, but for request_stop.
class scope_join : public join_base, public chain_scope, operation_base {
 public:
  /// For what may outlive the scope, as the future of a child may. Throws std::bad_alloc.
  [[nodiscard]] scope_life::reference life() {
    if (!life_) life_ = scope_life::of(*this);
    return life_;
  }
  /// May it still be told of anything?
  [[nodiscard]] bool living() const noexcept { return !over_ && !abandoned_; }
  /// A link of a chain on a child begins.
  void enter(scope_chain& chain) noexcept {
    hold();
    chains_.push_front(chain);
  }
  /// It has ended. Its error counts unless it is a child's that came this way once more.
  void chain_failed(const error& failure) noexcept {
    if (!failures_.contain(failure)) child_failed(failure);
  }
  void chain_ended() noexcept override { release(); }

  [[nodiscard]] async_frame* frame() const noexcept { return waiting_; }

  /// A request from another thread travels as a message, which the scope does not end without.
  void request_stop() noexcept {
    if (loop::current_or_null() == home()) {
      if (over_ || abandoned_) return;
      stopped_by_request_ = true;
      stop_children();
    } else if (!asked_.exchange(true, std::memory_order_acq_rel)) {
      home()->deliver(*this);
    }
  }

  /// May a child begin? Else it ends as cancelled. Throws std::logic_error where the scope cannot have
  /// another.
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
  /// A child that was asked to stop, and is cancelled, says that the scope was cancelled where that came from
  /// outside; else somebody in the scope asked for it.
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
    if (failure.is_requested_cancellation()) return stop_children();
    if (!failures_.contain(failure)) fail(failure);  // else it is what a child's future gave
  }
  virtual void tell() noexcept = 0;  // as complete, which this class needs for itself
  [[nodiscard]] join_failures& failures() noexcept { return failures_; }
  [[nodiscard]] bool cut_short() const noexcept { return cut_short_; }
  /// Was it stopped by request_stop?
  [[nodiscard]] bool stopped_by_request() const noexcept { return stopped_by_request_; }

  /// For the destructor of the whole: a scope that the loop's end cut off takes its children with it, the
  /// youngest first, while what they may refer to still stands.
  void abandon() noexcept {
    abandoned_ = true;
    end_life();
    while (!chains_.empty()) chains_.pop_front().lose_scope();
    while (!children_.empty()) children_.pop_front().abandon();
    if (asked_.exchange(true, std::memory_order_acq_rel) && !answered_) home()->withdraw_ready(*this);
  }

 private:
  void end_life() noexcept {
    if (life_) std::exchange(life_, {}).end();
  }
  void fail(const error& failure) noexcept {
    const bool decides = !failures_.any();
    failures_.add(failure);
    if (decides) stop_children();
  }
  // Who asks elsewhere from now on finds that somebody has; who has already is waited for.
  void complete() noexcept override {
    over_ = true;
    end_life();
    if (asked_.exchange(true, std::memory_order_acq_rel) && !answered_) return home()->expect_delivery();
    answered_ = true;
    tell();
  }
  static void asked_to_stop(operation_base& base, completion) noexcept {
    auto& self = static_cast<scope_join&>(base);
    self.answered_ = true;
    if (!self.over_) {
      self.stopped_by_request_ = true;
      return self.stop_children();
    }
    self.home()->delivery_came();
    self.tell();
  }

  // constant once it has begun
  stop_token outside_;
  async_frame* waiting_ = nullptr;
  // the home loop's thread
  intrusive_list<resident> children_;
  intrusive_list<scope_chain> chains_;  // links that have not ended
  scope_life::reference life_;  // made when it is needed
  [[no_unique_address]] join_failures failures_;
  bool cut_short_ = false;
  bool stopped_by_request_ = false;
  bool over_ = false;  // all have ended
  bool abandoned_ = false;
  bool answered_ = false;  // who asked, or else nobody can any more
  // any thread
  std::atomic<bool> asked_{false};
};

}  // namespace braid::detail
