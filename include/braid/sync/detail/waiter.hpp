#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/detail/intrusive_queue.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

class sync_waiter;

// A group of waiters of which only one gets what it asked for: a select. The first hand-over decides, and in
// the same step the others leave their queues. A waiter that leaves may make room for waiters behind it;
// report_withdrawals() hands over to those once every waiter of the group has left.
class sync_group : pinned {
 public:
  virtual void decide(std::size_t index) noexcept = 0;  // called at the hand-over to this waiter
  virtual void report_withdrawals() noexcept = 0;

 protected:
  ~sync_group() = default;

 private:
  sync_group* next_ = nullptr;  // in the queue of groups that have yet to report

 public:
  using queue = intrusive_queue<sync_group, &sync_group::next_>;
};

// Delays report_withdrawals(): groups that are decided while such an object lives report when the outermost
// one is destroyed, one after the other. So a step that hands over to several waiters sees no group
// change in between, and a chain of groups that hand over to each other takes constant stack.
class deferred_withdrawals : pinned {
 public:
  deferred_withdrawals() noexcept : outermost_(!std::exchange(active_, true)) {}
  ~deferred_withdrawals() {
    if (!outermost_) return;
    while (!decided_.empty()) decided_.pop_front().report_withdrawals();
    active_ = false;
  }
  void later(sync_group& group) noexcept { decided_.push_back(group); }

 private:
  static constinit thread_local inline sync_group::queue decided_;
  static constinit thread_local inline bool active_ = false;
  const bool outermost_;
};

// The properties that all waiters of one type share.
struct waiter_kind {
  const char* name;  // the call, for messages
  void (*on_withdraw)(sync_waiter&) noexcept;  // called when it left its queue without a hand-over
};

// An operation in the queue of a synchronisation object. It finishes as ready work of its loop, never inside
// the call that hands over to it.
//
// Lifetime  may be destroyed while it waits, or after the hand-over and before it finishes.
class sync_waiter : public list_node, operation_base, cancellation {
 public:
  // Called by the object: the waiter, which has left the queue, has what it asked for.
  void hand_over() noexcept {
    if (home_ != loop::current_or_null()) [[unlikely]]
      hand_over_from_outside();
    handed_over_ = true;
    if (group_ != nullptr) [[unlikely]]
      return group_->decide(index_);
    home_->operations().make_ready(*this);
  }
  // Called instead: the waiter, which has left the queue, will never have what it asked for.
  void fail() noexcept {
    hand_over();
    handed_over_ = false;
    failed_ = true;
  }
  // True if both belong to the same select.
  [[nodiscard]] bool in_group_with(const sync_waiter& other) const noexcept {
    return group_ != nullptr && group_ == other.group_;
  }
  // Called when the queue is destroyed while this still waits in it.
  [[noreturn, gnu::cold, gnu::noinline]] void orphaned() const noexcept {
    misused_as(
        "the object it waits for was destroyed; the object must outlive the operations that wait for it");
  }

 protected:
  using finish_fn = void(sync_waiter&);
  sync_waiter(finish_fn& finish, const waiter_kind& kind) noexcept
      : operation_base(on_ready), finish_(&finish), kind_(&kind) {}
  // A member of a group; the group finishes in its place and handles stop requests.
  sync_waiter(sync_group& group, std::size_t index, const waiter_kind& kind) noexcept
      : operation_base(on_ready), kind_(&kind), group_(&group), index_(static_cast<std::uint32_t>(index)) {}
  ~sync_waiter() = default;

  void enter(intrusive_list<sync_waiter>& waiters) noexcept {
    home_ = loop::current_or_null();
    if (!waiters.empty() && !waiters.front().waits_here()) [[unlikely]]
      used_elsewhere();
    waiters.push_back(*this);
  }
  void obey(stop_token token) noexcept { arm<on_stop, on_late_stop>(token); }

  // Leaves the queue, if it is in one, without a hand-over to others: report_withdrawal() does that.
  void leave_queue() noexcept {
    if (!linked()) return;
    unlink();
    withdrawn_ = true;
  }
  void report_withdrawal() noexcept {
    if (std::exchange(withdrawn_, false)) kind_->on_withdraw(*this);
  }
  // For the destructor: it will never finish. Returns true if the hand-over has taken place.
  [[nodiscard]] bool leave() noexcept {
    if (home_ == nullptr) return false;
    leave_queue();
    report_withdrawal();
    cancellation::drop();
    if (in_flight()) home_->operations().withdraw_ready(*this);
    home_ = nullptr;
    return std::exchange(handed_over_, false);
  }
  // True at the end of a wait that a hand-over ended, false where fail() or a stop request did.
  [[nodiscard]] bool end_wait() noexcept {
    home_ = nullptr;
    return std::exchange(handed_over_, false);
  }

  [[nodiscard]] bool has_failed() const noexcept { return failed_; }
  // The number of a member of a group.
  [[nodiscard]] std::size_t number() const noexcept { return index_; }

 private:
  [[nodiscard]] bool waits_here() const noexcept {
    return home_ == loop::current_or_null() || home_->is_here();  // or on another loop of this thread
  }
  static void on_ready(operation_base& base, completion) {
    auto& self = static_cast<sync_waiter&>(base);
    if (self.disarm()) self.finish_(self);
  }
  static void on_stop(cancellation& base) noexcept {
    auto& self = static_cast<sync_waiter&>(base);
    if (!self.linked()) return;  // the hand-over came first
    self.leave_queue();
    self.report_withdrawal();
    self.home_->operations().make_ready(self);
  }
  static void on_late_stop(cancellation& base) noexcept {
    auto& self = static_cast<sync_waiter&>(base);
    self.finish_(self);
  }
  // Called on another thread, which is misuse, or on another loop of this thread, as in a simulation.
  [[gnu::cold, gnu::noinline]] void hand_over_from_outside() const noexcept {
    if (!home_->is_here()) used_elsewhere();
    home_->operations().touched();
  }
  [[noreturn, gnu::cold, gnu::noinline]] void used_elsewhere() const noexcept {
    misused_as(
        "it waits on one thread and its object is used on another; such an object belongs to one loop: "
        "from another thread use loop::post");
  }
  [[noreturn]] void misused_as(const char* what) const noexcept {
    char text[256];
    std::snprintf(text, sizeof(text), "%s: %s", kind_->name, what);
    misused(text);
  }

  finish_fn* finish_ = nullptr;
  const waiter_kind* kind_;
  sync_group* group_ = nullptr;
  loop* home_ = nullptr;  // while it waits
  std::uint32_t index_;  // in the group
  bool handed_over_ = false;
  bool failed_ = false;
  bool withdrawn_ = false;  // left the queue, and report_withdrawal() has not run yet
};

class waiter_queue : public intrusive_list<sync_waiter> {
 public:
  ~waiter_queue() {
    if (!empty()) [[unlikely]]
      front().orphaned();
  }
};

}  // namespace braid::detail
