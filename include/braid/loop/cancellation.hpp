#pragma once

#include <atomic>
#include <cstdint>

#include "braid/core/stop_token.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

/// Brings a stop request, made on any thread, to an operation on its loop's thread. A base of the operation;
/// docs/guide.md has a whole one.
///
///     class alarm : timer_base, cancellation {
///      public:
///       alarm() : timer_base(on_end) {}
///       void start(stop_token token) {
///         loop::current().operations().add(*this, loop_clock::after(1s));
///         arm<on_stop, on_late_stop>(token);
///       }
///
///      private:
///       static void on_end(operation_base& base, completion) {
///         auto& self = static_cast<alarm&>(static_cast<timer_base&>(base));
///         if (self.disarm()) log("over");
///       }
///       static void on_stop(cancellation& base) noexcept {
///         loop::current().operations().cancel(static_cast<alarm&>(base));
///       }
///       static void on_late_stop(cancellation&) noexcept { log("over"); }
///     };
///
/// Threads  arm and disarm run on the loop's. A request from another thread travels through the loop's inbox.
///          The operation must not end while one travels: disarm then returns false, and on_late_stop is
///          called when the request arrives.
/// Cost     48 bytes. Two of them are written where stop is not possible; otherwise one registration with
///          the stop_source.
class cancellation : pinned {
 public:
  using stop_fn = void(cancellation&) noexcept;

  cancellation() noexcept {}
  ~cancellation() { BRAID_ASSERT(phase_.load(std::memory_order_relaxed) == phase::idle); }

  /// Call it once, after the operation has begun. If stop was requested already, it cancels at once.
  ///
  /// OnStop      begins to cancel the operation.
  /// OnLateStop  ends the operation, after disarm has put that off.
  template <stop_fn& OnStop, stop_fn& OnLateStop>
  void arm(stop_token token) noexcept {
    if (token.stop_possible()) attach(token, on_request<OnStop, OnLateStop>);
  }

  /// The operation has ended, and no stop request may reach it any more. False when one is on its way: then
  /// the operation waits for OnLateStop before it finishes.
  [[nodiscard]] bool disarm() noexcept {
    return phase_.load(std::memory_order_relaxed) == phase::idle || unregister();
  }

  /// The operation is destroyed on its loop's thread without having ended. A request on its way is withdrawn.
  void drop() noexcept {
    if (!disarm()) withdraw_request();
  }

  /// Was the operation asked to stop?
  [[nodiscard]] bool requested() const noexcept { return requested_; }

 private:
  // idle: no request can come, or it has arrived. A request from another thread makes it claimed, and then
  // travelling: it is in the inbox, and that thread touches the operation no more.
  enum class phase : std::uint8_t { idle, armed, claimed, travelling };

  struct registration : stop_callback_base {
    using stop_callback_base::attach, stop_callback_base::execute_fn;
    explicit registration(execute_fn& on_request) noexcept : stop_callback_base(on_request) {}
    ~registration() { unregister(); }
  };
  struct message : operation_base {
    using operation_base::finish_fn;
    explicit message(finish_fn& on_arrival) noexcept : operation_base(on_arrival) {}
  };

  template <stop_fn& OnStop, stop_fn& OnLateStop>
  static void on_request(stop_callback_base& base, stop_reason) noexcept {
    cancellation& self = whole(&base);
    if (self.is_here(on_arrival<OnStop, OnLateStop>)) OnStop(self);
  }
  template <stop_fn& OnStop, stop_fn& OnLateStop>
  static void on_arrival(operation_base& base, completion) noexcept {
    cancellation& self = whole(&base);
    if (self.arrives_late())
      OnLateStop(self);
    else
      OnStop(self);
  }
  // The cancellation that has its room there.
  static cancellation& whole(void* room) noexcept;

  void attach(stop_token token, registration::execute_fn& on_request) noexcept;
  [[nodiscard]] bool unregister() noexcept;
  void withdraw_request() noexcept;
  [[nodiscard]] bool is_here(message::finish_fn& on_arrival) noexcept;
  [[nodiscard]] bool arrives_late() noexcept;
  void await_departure() const noexcept;

  union room {
    room() noexcept {}
    ~room() {}
    registration callback;  // alive while armed
    message request;  // alive while it travels; needs no destructor call
  };
  loop* home_;  // set once armed
  room room_;
  std::atomic<phase> phase_{phase::idle};
  bool requested_ = false;
  bool put_off_;  // disarm has returned false
};
static_assert(sizeof(cancellation) == 48);

}  // namespace braid
