#pragma once

#include <atomic>
#include <coroutine>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/core/awaitable.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/operation.hpp"

namespace braid::detail {

class foreign_wait;

// Connects a foreign_wait and its relay. Each lets go of it once; the second one deletes it.
struct foreign_link : pooled {
  explicit foreign_link(foreign_wait& waits) noexcept : waiter(&waits) {}
  void let_go() noexcept {
    if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  std::atomic<foreign_wait*> waiter;  // null once one of the two has taken it
  std::atomic<int> references{2};
};

// A foreign awaitable gets this coroutine's handle instead of the awaiting coroutine's. When any thread
// resumes or destroys the relay, the foreign_wait ends.
struct foreign_relay {
  struct promise_type : pooled_frame {
    promise_type(foreign_link& to, stop_token token) noexcept : link(&to), stop(token) {}
    ~promise_type() {
      if (link != nullptr) end_wait(true);
    }
    foreign_relay get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() noexcept { end_wait(false); }
    void unhandled_exception() const noexcept {}
    [[nodiscard]] stop_token get_stop_token() const noexcept { return stop; }
    void end_wait(bool destroyed) noexcept;

    foreign_link* link;  // null once the wait was ended
    const stop_token stop;
  };
  std::coroutine_handle<promise_type> handle;
};

// A coroutine's wait for an awaitable that knows nothing of loops.
//
// Threads  that of the loop on which the coroutine awaited. If another thread resumes the relay, the wait is
//          delivered to that loop.
class foreign_wait : operation_base {
 protected:
  /// counted: the current loop is the coroutine's home and counts the wait as its work.
  foreign_wait(stop_token stop, bool counted) noexcept
      : operation_base(on_delivery), stop_(stop), counted_(counted) {}
  ~foreign_wait() {
    if (link_ != nullptr) leave();
  }
  /// Begins the wait and returns the handle for the awaitable.
  [[nodiscard]] std::coroutine_handle<foreign_relay::promise_type> begin(std::coroutine_handle<> awaiting);
  /// Is this object still there when the awaitable's await_suspend returns? Only with a loop: without one
  /// another thread may have resumed the coroutine meanwhile.
  [[nodiscard]] bool is_kept() const noexcept { return home_ != nullptr; }
  /// Called after the awaitable got the handle. True if this thread has resumed or destroyed it already.
  [[nodiscard]] bool has_ended() noexcept {
    starting_ = false;
    return link_ == nullptr;
  }
  /// Reverses begin, because the awaitable does not use the handle.
  void undo(std::coroutine_handle<> relay) noexcept {
    starting_ = true;
    relay.destroy();
    starting_ = false;
    destroyed_ = false;
  }
  /// Throws operation_canceled if the awaitable destroyed its handle.
  void check() const {
    if (destroyed_) [[unlikely]]
      throw_destroyed();
  }

 private:
  friend foreign_relay::promise_type;
  static void on_delivery(operation_base& base, completion) noexcept;
  void on_relay(bool destroyed) noexcept;
  void go_on() noexcept;
  void end() noexcept;
  void leave() noexcept;
  [[noreturn]] static void throw_destroyed();

  const stop_token stop_;
  loop* home_ = nullptr;
  foreign_link* link_ = nullptr;  // null unless it waits
  std::coroutine_handle<> awaiting_;
  bool counted_;
  bool starting_ = false;
  bool destroyed_ = false;
};

/// Awaits an awaitable that brings its own awaiter. It gives that awaiter the handle of a relay, so that the
/// coroutine resumes on its own loop, whichever thread resumes the handle.
template <awaitable A>
class foreign_awaiter final : foreign_wait {
  using awaiter = decltype(awaiter_of(std::declval<A>()));
  using relay = std::coroutine_handle<foreign_relay::promise_type>;

 public:
  foreign_awaiter(A&& awaited, stop_token stop, bool counted)
      : foreign_wait(stop, counted), inner_(awaiter_of(std::forward<A>(awaited))) {}
  foreign_awaiter(const foreign_awaiter&) = delete;
  foreign_awaiter& operator=(const foreign_awaiter&) = delete;

  [[nodiscard]] bool await_ready() { return static_cast<bool>(inner_.await_ready()); }
  auto await_suspend(std::coroutine_handle<> awaiting) {
    using returned = decltype(inner_.await_suspend(std::declval<relay>()));
    const relay handle = begin(awaiting);
    const bool kept = is_kept();
    try {
      if constexpr (std::is_void_v<returned>) {
        inner_.await_suspend(handle);
        return !kept || !has_ended();
      } else if constexpr (std::is_same_v<returned, bool>) {
        if (!inner_.await_suspend(handle)) return undo(handle), false;
        return !kept || !has_ended();
      } else {
        const std::coroutine_handle<> next = inner_.await_suspend(handle);
        if (next == handle) return undo(handle), awaiting;
        return kept && has_ended() ? awaiting : next;
      }
    } catch (...) {
      if (!kept || !has_ended()) undo(handle);
      throw;
    }
  }
  decltype(auto) await_resume() {
    check();
    return inner_.await_resume();
  }

 private:
  awaiter inner_;
};

}  // namespace braid::detail
