#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/result.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

/// A waiter for a future, which is called once, when the future is settled.
class future_waiter : operation_base, resident {
 public:
  /// Waits on a loop: on_finish runs as that loop's ready work, whichever thread settles the future.
  future_waiter(finish_fn& on_finish, loop& home) noexcept : operation_base(on_finish), home_(&home) {}

  /// Called by future_state when the future is settled, on any thread.
  void on_settled() noexcept {
    if (home_ == nullptr) return woken();
    if (loop::current_or_null() == home_)
      home_->operations().make_ready(*this);
    else
      home_->operations().deliver(*this);
  }

 protected:
  /// Waits on a thread without a loop: woken runs on the settler's thread.
  future_waiter() noexcept : operation_base(never), home_(nullptr) {}
  ~future_waiter() = default;
  virtual void woken() noexcept {}
  void abandon() noexcept override {}

  // Makes the waiter a resident, so that the loop's end can abandon it while the future is pending.
  void join_residents() noexcept { home_->operations().adopt(*this); }
  void leave_residents() noexcept {
    if (linked()) unlink();
  }
  [[nodiscard]] loop& home() const noexcept { return *home_; }
  // From another thread, once the future is settled: has the loop's thread call on_delivery.
  void deliver(finish_fn& on_delivery) noexcept {
    finish_by(on_delivery);
    home_->operations().deliver(*this);
  }
  // For a waiter that ends although its future is settled: the delivery is queued or on its way.
  void withdraw_delivery() noexcept { home_->operations().withdraw_ready(*this); }
  using operation_base::in_flight;
  static future_waiter& from(operation_base& base) noexcept { return static_cast<future_waiter&>(base); }

 private:
  static void never(operation_base&, completion) noexcept { BRAID_ASSERT(false); }
  loop* const home_;
};

class future_state_base;

/// A scope, as seen by the chains behind its children's futures.
class chain_scope {
 public:
  virtual void chain_ended() noexcept = 0;

 protected:
  ~chain_scope() = default;
};

/// Registers a link of a chain with a scope: the scope of the child at whose future the chain begins. The
/// scope stops the link and waits for it.
class chain_hold : public pooled, pinned {
 public:
  virtual ~chain_hold() = default;
  /// Called when the link has ended; gives the scope the link's error, if there is one. Returns the scope, so
  /// that chain_ended can be called once the link is settled; null if the scope has ended already.
  [[nodiscard]] virtual chain_scope* link_ended(const error* failure) noexcept = 0;
  /// Called when the link ends with its loop.
  virtual void abandon() noexcept = 0;
  /// The hold for another link that follows this one.
  [[nodiscard]] virtual std::unique_ptr<chain_hold> hold_for(future_state_base& link) = 0;
  /// True if the scope takes the link's error only when the link's future is dropped.
  [[nodiscard]] virtual bool is_isolated() const noexcept = 0;
  /// Called then, on the scope's thread. False if the scope has ended.
  [[nodiscard]] virtual bool take_unseen(const error& failure) noexcept = 0;
};

/// The state that a future and its settler share. Each of them acts once; the second one owns the state.
///
/// Threads  the future may be on one thread and its settler on another: they meet in one atomic word.
/// Cost     one atomic exchange for each of them.
class future_state_base : public pooled, pinned {
 public:
  virtual ~future_state_base() = default;

  /// Requests stop of the operation. False if the operation does not listen and so may never end.
  virtual bool request_stop(stop_reason) noexcept { return false; }

  [[nodiscard]] bool is_settled() const noexcept {
    return meeting_.load(std::memory_order_acquire) == as_met(settled);
  }

  /// The future's act. False if the state is settled already, so that there is nothing to wait for.
  [[nodiscard]] bool add_waiter(future_waiter& waiter) noexcept { return meet(&waiter); }
  /// Reverses add_waiter for a cancelled waiter; the result is then dropped, even an error. False if the
  /// settler was first: then the waiter's delivery is on its way.
  [[nodiscard]] bool remove_waiter(future_waiter& waiter) noexcept {
    void* expected = &waiter;
    return meeting_.compare_exchange_strong(expected, as_met(left), std::memory_order_acq_rel);
  }
  /// Takes a waiter back, so that another one can wait later. False if the settler was first, as above.
  [[nodiscard]] bool withdraw_waiter(future_waiter& waiter) noexcept {
    void* expected = &waiter;
    return meeting_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel);
  }
  /// Does an operation wait that may be withdrawn, or another one?
  [[nodiscard]] bool has_waiter() const noexcept {
    return reinterpret_cast<std::uintptr_t>(meeting_.load(std::memory_order_acquire)) > left;
  }
  /// The future's act when it is dropped.
  void drop() noexcept {
    void* other = meeting_.load(std::memory_order_acquire);
    if (other == as_met(settled)) return end_unseen();
    if (other != nullptr) [[unlikely]]
      used_in_select();
    if ((facts_ & notices_drop) != 0) [[unlikely]]
      request_stop(stop_reason::not_needed);  // before the settler may delete the state
    if (!meeting_.compare_exchange_strong(other, as_met(dropped), std::memory_order_acq_rel,
                                          std::memory_order_acquire))
      end_unseen();
  }
  /// Destroys the settled state; its result reaches no waiter.
  [[gnu::cold]] void end_without_waiter() noexcept;
  /// Is this the future of a scope's child, or a link of a chain behind one?
  [[nodiscard]] bool belongs_to_scope() const noexcept { return (facts_ & of_scope) != 0; }
  /// If so, the hold for another link that follows this one. Call it on the link's thread.
  [[nodiscard]] virtual std::unique_ptr<chain_hold> hold_for(future_state_base&) { return nullptr; }

 protected:
  explicit future_state_base(loop* home, std::source_location where = {}) noexcept
      : home_(home), frame_{nullptr, where} {}

  /// The settler's act, once the result is in place. May destroy *this.
  void settle() noexcept {
    if ((facts_ & (tracked | chained)) != 0) [[unlikely]]
      return settle_slow();
    settle_now();
  }
  /// Tracks the operation, on the home loop's thread, from now until the state is settled.
  void track() noexcept {
    if (task_tracker::tracks_here()) [[unlikely]] {
      facts_ |= tracked;
      task_tracker::begins(frame_, frame_kind::verb);
    }
  }
  [[nodiscard]] async_frame* frame() noexcept { return &frame_; }
  [[nodiscard]] loop* home() const noexcept { return home_; }
  /// For the settler: does a future hold the state, without a waiter so far?
  [[nodiscard]] bool is_held() const noexcept { return meeting_.load(std::memory_order_acquire) == nullptr; }
  /// The error of an operation that the loop's end cuts off.
  [[nodiscard]] static error cut_off() noexcept {
    error canceled = std::errc::operation_canceled;
    canceled.set_requested(true);
    return canceled;
  }
  void belong_to_scope() noexcept { facts_ |= of_scope; }
  /// For a link of a chain, which reports its end to the scope.
  void belong_to_chain() noexcept { facts_ |= of_scope | chained; }
  /// For a child of a scope whose error the scope takes only when the future does not.
  void isolate() noexcept { facts_ |= apart; }
  [[nodiscard]] bool is_isolated() const noexcept { return (facts_ & apart) != 0; }
  /// Dropping the future requests stop.
  void notice_drop() noexcept { facts_ |= notices_drop; }
  void report(error failure) noexcept;  // on the home loop's thread, or posted to it

 private:
  virtual void report_unseen() noexcept = 0;  // settled and dropped: reports a lost error
  [[nodiscard]] virtual const error* failure() const noexcept = 0;  // once settled: the error, or null
  /// Called for a link of a chain once the result is in place. Returns the scope whose chain_ended must be
  /// called after the state is settled, or null.
  [[nodiscard]] virtual chain_scope* ended_in_chain() noexcept { return nullptr; }
  void end_unseen() noexcept {
    report_unseen();
    delete this;
  }
  [[gnu::always_inline]] void settle_now() noexcept {
    // From here on remove_waiter fails.
    void* met = meeting_.exchange(as_met(settled), std::memory_order_acq_rel);
    if (met == nullptr) return;
    if (reinterpret_cast<std::uintptr_t>(met) > left) return static_cast<future_waiter*>(met)->on_settled();
    if (met == as_met(dropped)) return end_unseen();
    end_without_waiter();  // the waiter was removed
  }
  [[gnu::cold]] void settle_slow() noexcept;

  // True for the first of the two. The second sees what the first wrote.
  [[nodiscard]] bool meet(void* mine) noexcept {
    void* other = meeting_.load(std::memory_order_acquire);
    if (other == nullptr &&
        meeting_.compare_exchange_strong(other, mine, std::memory_order_acq_rel, std::memory_order_acquire))
      return true;
    if (other != as_met(settled)) [[unlikely]]
      used_in_select();
    return false;
  }
  [[noreturn, gnu::cold]] static void used_in_select() noexcept;
  // The values of meeting_ besides null and the address of a waiter, which is greater.
  enum mark : std::uintptr_t { settled = 1, dropped, left };
  [[nodiscard]] static void* as_met(mark which) noexcept { return reinterpret_cast<void*>(which); }

  static constexpr unsigned char tracked = 1, of_scope = 2, chained = 4, apart = 8, notices_drop = 16;

  std::atomic<void*> meeting_{nullptr};  // null, a waiter or a mark
  loop* const home_;
  async_frame frame_;
  unsigned char facts_ = 0;  // written before there is a waiter
};

/// The shared state with the result in it.
template <class T>
class future_state : public future_state_base {
 public:
  ~future_state() override {
    if (has_result_) result_.~result();
  }

  /// The settler's act.
  void set(result<T>&& ended) noexcept {
    keep(std::move(ended));
    settle();
  }
  /// Once settled: takes the result and deletes the state.
  [[nodiscard]] result<T> take() noexcept {
    result<T> taken = std::move(result_);
    delete this;
    return taken;
  }
  /// Once settled: the result, in place.
  [[nodiscard]] result<T>& settled_result() noexcept { return result_; }

 protected:
  explicit future_state(loop* home, std::source_location where = {}) noexcept
      : future_state_base(home, where) {}

  /// The first half of set: stores the result without settling.
  void keep(result<T>&& ended) noexcept {
    std::construct_at(&result_, std::move(ended));
    has_result_ = true;
  }
  /// Like keep, with the result of make(), constructed in place.
  template <class Make>
  void keep_made(Make make) noexcept {
    ::new (static_cast<void*>(std::addressof(result_))) result<T>(make());
    has_result_ = true;
  }
  /// Takes a kept result out again.
  [[nodiscard]] result<T> kept() noexcept {
    has_result_ = false;
    result<T> taken = std::move(result_);
    result_.~result();
    return taken;
  }
  [[nodiscard]] bool has_result() const noexcept { return has_result_; }
  /// The result, once it is stored.
  [[nodiscard]] const result<T>& ended() const noexcept { return result_; }
  [[nodiscard]] result<T>& ended() noexcept { return result_; }
  void report_unseen() noexcept override {
    if (!result_) report(std::move(result_).error());
  }

 private:
  [[nodiscard]] const error* failure() const noexcept override {
    return result_ ? nullptr : &result_.error();
  }

  bool has_result_ = false;
  union {
    result<T> result_;  // alive once has_result_
  };
};

}  // namespace braid::detail
