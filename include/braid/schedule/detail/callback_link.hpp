#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/result.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/operation.hpp"

namespace braid {
template <class T>
class callback_done;
}  // namespace braid

namespace braid::detail {

template <class T, class F, class R>
class callback_state;

// The operation of a from_callback, as seen by its link.
class callback_waiter {
 public:
  virtual void on_completion() noexcept = 0;  // on the loop's thread, from one of its turns

 protected:
  ~callback_waiter() = default;
};

// The state that a from_callback operation and the copies of its done share: the result, and whether one of
// them has completed it.
//
// Lifetime  until the operation and all copies have dropped it.
// Threads   the operation's part on its loop's thread, the rest on any.
template <class T>
class callback_link final : operation_base, public pooled {
 public:
  // The first reference is the operation's.
  callback_link(loop& home, callback_waiter& waiter) noexcept
      : operation_base(on_delivery), home_(home), waiter_(waiter) {}

  // ---- any thread

  // True for the first call.
  bool complete(result<T>&& ended) noexcept {
    if (!decide()) return false;
    ended_.emplace(std::move(ended));
    if (loop::current_or_null() != &home_)
      home_.operations().deliver(*this);
    else if (starting_)
      completed_within_start_ = true;
    else
      home_.operations().make_ready(*this);
    return true;
  }
  [[nodiscard]] bool decided() const noexcept { return decided_.load(std::memory_order_acquire); }
  void add_done() noexcept {
    dones_.fetch_add(1, std::memory_order_relaxed);
    references_.fetch_add(1, std::memory_order_relaxed);
  }
  void drop_done() noexcept {
    if (dones_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      complete(error(make_error_code(errc::broken_promise), "from_callback"));
    drop();
  }
  void drop() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // ---- the operation, on the loop's thread

  // Called when f has returned. True if f has completed the operation already.
  [[nodiscard]] bool started() noexcept {
    starting_ = false;
    return completed_within_start_;
  }
  // Once completed: returns the result and drops the operation's reference.
  [[nodiscard]] result<T> take() noexcept {
    result<T> taken = *std::move(ended_);
    drop();
    return taken;
  }
  // The operation is destroyed before it has finished.
  void leave() noexcept {
    if (!decide() && !completed_within_start_ && !delivered_) home_.operations().withdraw_ready(*this);
  }

 private:
  [[nodiscard]] bool decide() noexcept { return !decided_.exchange(true, std::memory_order_acq_rel); }
  static void on_delivery(operation_base& base, completion) {
    auto& self = static_cast<callback_link&>(base);
    self.delivered_ = true;
    self.waiter_.on_completion();
  }

  // constant
  loop& home_;
  callback_waiter& waiter_;
  // any thread
  std::atomic<std::uint32_t> references_{1};
  std::atomic<std::uint32_t> dones_{0};
  std::atomic<bool> decided_{false};
  // the completing thread; then the loop's thread
  std::optional<result<T>> ended_;
  // the loop's thread
  bool starting_ = true;
  bool completed_within_start_ = false;
  bool delivered_ = false;
};

}  // namespace braid::detail
