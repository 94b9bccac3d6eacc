#pragma once

#include <utility>

#include "braid/base/intrusive_list.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

class sync_waiter;

// Several waiters of which one may pass: select.
class sync_group : pinned {
 public:
  // One has been let pass. The others leave their queues within this call, before they could be let pass too.
  virtual void passed(sync_waiter& one) noexcept = 0;

 protected:
  ~sync_group() = default;
};

// Who waits in the queue of a synchronisation object. It is told as ready work of its loop, never within the
// call that let it pass.
//
// Lifetime  may be destroyed while it waits, or between being let pass and being told: it leaves no trace.
class sync_waiter : public list_node, operation_base, cancellation {
 public:
  // From the object, whose queue it has left: it may pass.
  void pass() noexcept {
    passed_ = true;
    if (group_ != nullptr) [[unlikely]]
      return group_->passed(*this);
    home_->make_ready(*this);
  }

 protected:
  using told_fn = void(sync_waiter&);
  using left_fn = void(sync_waiter&) noexcept;  // it has left the queue without having been let pass
  sync_waiter(told_fn& told, left_fn& left) noexcept : operation_base(come), told_(&told), left_(&left) {}
  // In a group, which is told in its place and cares for stop requests.
  sync_waiter(sync_group& group, left_fn& left) noexcept
      : operation_base(come), left_(&left), group_(&group) {}
  ~sync_waiter() = default;

  void wait_in(intrusive_list<sync_waiter>& waiters, stop_token token) noexcept {
    home_ = loop::current_or_null();
    waiters.push_back(*this);
    arm(token, cancel, resumed);
  }
  // For the destructor, or because another of the group passed: nobody will be told. True when it was let
  // pass, and nobody made use of that.
  [[nodiscard]] bool leave() noexcept {
    if (home_ == nullptr) return false;
    leave_queue();
    cancellation::forget();
    if (in_flight()) home_->forget(*this);
    home_ = nullptr;
    return std::exchange(passed_, false);
  }
  // Was it let pass, or else canceled? Once it was told.
  [[nodiscard]] bool take_pass() noexcept {
    home_ = nullptr;
    return std::exchange(passed_, false);
  }

 private:
  void leave_queue() noexcept {
    if (!linked()) return;
    unlink();
    left_(*this);
  }
  static void come(operation_base& base, completion) {
    auto& self = static_cast<sync_waiter&>(base);
    if (self.disarm()) self.told_(self);
  }
  static void cancel(cancellation& base) noexcept {
    auto& self = static_cast<sync_waiter&>(base);
    if (!self.linked()) return;  // it may pass already
    self.leave_queue();
    self.home_->make_ready(self);
  }
  static void resumed(cancellation& base) noexcept {
    auto& self = static_cast<sync_waiter&>(base);
    self.told_(self);
  }

  told_fn* told_ = nullptr;
  left_fn* left_;
  sync_group* group_ = nullptr;
  loop* home_ = nullptr;  // while it waits
  bool passed_ = false;
};

using waiter_queue = intrusive_list<sync_waiter>;

}  // namespace braid::detail
