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

/// Who waits for a future: told once, when it is settled.
class future_waiter : operation_base, resident {
 public:
  /// Waits on a loop: comes as the loop's ready work, whoever settles the future.
  future_waiter(finish_fn& come, loop& home) noexcept : operation_base(come), home_(&home) {}

  /// For future_state. The future is settled; any thread, this one included.
  void on_settled() noexcept {
    if (home_ == nullptr) return woken();
    if (loop::current_or_null() == home_)
      home_->make_ready(*this);
    else
      home_->deliver(*this);
  }

 protected:
  /// Waits on a thread instead: woken is called where the future is settled.
  future_waiter() noexcept : operation_base(never), home_(nullptr) {}
  ~future_waiter() = default;
  virtual void woken() noexcept {}
  void abandon() noexcept override {}

  // Lets the loop's end find who still waits then; only a waiter whose future is pending needs it.
  void settle_in() noexcept { home_->adopt(*this); }
  void move_out() noexcept {
    if (linked()) unlink();
  }
  [[nodiscard]] loop& home() const noexcept { return *home_; }
  // From another thread, once the future is settled: calls come on the loop's.
  void come_home(finish_fn& come) noexcept {
    finish_by(come);
    home_->deliver(*this);
  }
  // It was settled, or its settler is just telling it, and shall not be told.
  void withdraw_delivery() noexcept { home_->withdraw_ready(*this); }
  using operation_base::in_flight;
  static future_waiter& from(operation_base& base) noexcept { return static_cast<future_waiter&>(base); }

 private:
  static void never(operation_base&, completion) noexcept { BRAID_ASSERT(false); }
  loop* const home_;
};

class future_state_base;

/// A scope, to the chains on its children.
class chain_scope {
 public:
  virtual void chain_ended() noexcept = 0;

 protected:
  ~chain_scope() = default;
};

/// What a link of a chain on a scope's child holds of the scope, which stops the link and waits for it.
class chain_hold : public pooled, pinned {
 public:
  virtual ~chain_hold() = default;
  /// The link has ended. Tells the scope its error, if there is one. To be told chain_ended once the link is
  /// settled; null where the scope has ended already.
  [[nodiscard]] virtual chain_scope* link_ended(const error* failure) noexcept = 0;
  /// The link ends with its loop.
  virtual void abandon() noexcept = 0;
  /// The same for a link behind this one.
  [[nodiscard]] virtual std::unique_ptr<chain_hold> hold_for(future_state_base& link) = 0;
};

/// What a future and who settles it share. Both act once; whoever acts second owns the state.
///
/// Threads  the future may be on one thread and its settler on another: they meet in one atomic word.
/// Cost     one atomic exchange for each.
class future_state_base : public pooled, pinned {
 public:
  virtual ~future_state_base() = default;

  /// Asks the operation to end. False when nobody listens, so that waiting for its end may take for ever.
  virtual bool request_stop() noexcept { return false; }

  [[nodiscard]] bool is_settled() const noexcept {
    return meeting_.load(std::memory_order_acquire) == as_met(settled);
  }

  /// The future's act: false when the state is settled, so that there is nothing to wait for.
  [[nodiscard]] bool add_waiter(future_waiter& waiter) noexcept { return meet(&waiter); }
  /// Takes back attach: the waiter was cancelled. It asks for the result no more, so that nobody is told of
  /// an error. False when the settler was first: the waiter is being told.
  [[nodiscard]] bool remove_waiter(future_waiter& waiter) noexcept {
    void* expected = &waiter;
    return meeting_.compare_exchange_strong(expected, as_met(left), std::memory_order_acq_rel);
  }
  /// The future's act when it is dropped.
  void drop() noexcept {
    if (!meet(as_met(dropped))) end_unseen();
  }
  /// Is it the future of a scope's child, or a link of a chain on one?
  [[nodiscard]] bool belongs_to_scope() const noexcept { return (facts_ & of_scope) != 0; }
  /// If so, what another link behind it holds of the scope. On the link's thread.
  [[nodiscard]] virtual std::unique_ptr<chain_hold> hold_for(future_state_base&) { return nullptr; }

 protected:
  explicit future_state_base(loop* home, std::source_location where = {}) noexcept
      : home_(home), frame_{nullptr, where} {}

  /// The settler's act, once the result is in place. *this may be gone afterwards.
  void settle() noexcept {
    if ((facts_ & (tracked | chained)) != 0) [[unlikely]]
      return settle_otherwise();
    settle_now();
  }
  /// An operation begins, on the home loop's thread, and lasts until the state is settled.
  void track() noexcept {
    if (task_tracker::tracks_here()) [[unlikely]] {
      facts_ |= tracked;
      task_tracker::begins(frame_, level_kind::verb);
    }
  }
  [[nodiscard]] async_frame* frame() noexcept { return &frame_; }
  [[nodiscard]] loop* home() const noexcept { return home_; }
  /// Does a future hold it that nobody waits for yet? The settler's question.
  [[nodiscard]] bool is_held() const noexcept { return meeting_.load(std::memory_order_acquire) == nullptr; }
  /// What the loop's end cut off ends with.
  [[nodiscard]] static error cut_off() noexcept {
    error canceled = std::errc::operation_canceled;
    canceled.set_requested(true);
    return canceled;
  }
  void belong_to_scope() noexcept { facts_ |= of_scope; }
  /// The same for a link of a chain, whose scope is told of its end.
  void belong_to_chain() noexcept { facts_ |= of_scope | chained; }
  void report(error failure) noexcept;  // on the home loop's thread, or there by post

 private:
  virtual void report_unseen() noexcept = 0;  // settled and dropped: reports an error that somebody may miss
  /// For a link of a chain: the result is in place. The scope, if it is to be told chain_ended once this is
  /// settled.
  [[nodiscard]] virtual chain_scope* ended_in_chain() noexcept { return nullptr; }
  void end_unseen() noexcept {
    report_unseen();
    delete this;
  }
  [[gnu::always_inline]] void settle_now() noexcept {
    // No waiter detaches from now on.
    void* met = meeting_.exchange(as_met(settled), std::memory_order_acq_rel);
    if (met == nullptr) return;
    if (reinterpret_cast<std::uintptr_t>(met) > left) return static_cast<future_waiter*>(met)->on_settled();
    if (met == as_met(dropped)) return end_unseen();
    delete this;  // its waiter has left
  }
  [[gnu::cold]] void settle_otherwise() noexcept;

  // True for who comes first. The second comer sees what the first one wrote, and the meeting is over.
  [[nodiscard]] bool meet(void* mine) noexcept {
    void* other = meeting_.load(std::memory_order_acquire);
    return other == nullptr && meeting_.compare_exchange_strong(other, mine, std::memory_order_acq_rel,
                                                                std::memory_order_acquire);
  }
  // What meeting_ holds but for null and the address of a waiter, which is greater.
  enum mark : std::uintptr_t { settled = 1, dropped, left };
  [[nodiscard]] static void* as_met(mark which) noexcept { return reinterpret_cast<void*>(which); }

  static constexpr unsigned char tracked = 1, of_scope = 2, chained = 4;

  std::atomic<void*> meeting_{nullptr};  // null, a waiter or a mark
  loop* const home_;
  async_frame frame_;
  unsigned char facts_ = 0;  // written before it has a waiter
};

/// The same with the result in it.
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
  /// Once settled. Ends the state.
  [[nodiscard]] result<T> take() noexcept {
    result<T> taken = std::move(result_);
    delete this;
    return taken;
  }
  /// Once settled: the result where it is.
  [[nodiscard]] result<T>& settled_result() noexcept { return result_; }

 protected:
  explicit future_state(loop* home, std::source_location where = {}) noexcept
      : future_state_base(home, where) {}

  /// The first half of set: puts the result in place, and tells nobody.
  void keep(result<T>&& ended) noexcept {
    std::construct_at(&result_, std::move(ended));
    has_result_ = true;
  }
  /// The same with what make() returns, made in its place.
  template <class Make>
  void keep_made(Make make) noexcept {
    ::new (static_cast<void*>(std::addressof(result_))) result<T>(make());
    has_result_ = true;
  }
  /// Takes that back.
  [[nodiscard]] result<T> kept() noexcept {
    has_result_ = false;
    result<T> taken = std::move(result_);
    result_.~result();
    return taken;
  }
  [[nodiscard]] bool has_result() const noexcept { return has_result_; }
  /// Once there is a result: how it ended.
  [[nodiscard]] const result<T>& ended() const noexcept { return result_; }
  [[nodiscard]] result<T>& ended() noexcept { return result_; }
  void report_unseen() noexcept override {
    if (!result_) report(std::move(result_).error());
  }

 private:
  bool has_result_ = false;
  union {
    result<T> result_;  // alive once has_result_
  };
};

}  // namespace braid::detail
