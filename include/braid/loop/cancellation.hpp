#pragma once

#include <new>

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
///         arm(token, on_stop, on_late_stop);
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
/// Cost     104 bytes. Two of them are written where stop is not possible; otherwise one registration with
///          the stop_source.
class cancellation : pinned {
 public:
  using stop_fn = void(cancellation&) noexcept;  ///< begins to cancel the operation
  using late_stop_fn = void(cancellation&) noexcept;  ///< ends the operation, after disarm has put that off

  cancellation() noexcept {}
  ~cancellation() { BRAID_ASSERT(!armed_); }

  /// Call it once, after the operation has begun. If stop was requested already, it cancels at once.
  void arm(stop_token token, stop_fn& on_stop, late_stop_fn& on_late_stop) noexcept {
    if (token.stop_possible()) attach(token, on_stop, on_late_stop);
  }

  /// The operation has ended, and no stop request may reach it any more. False when one is on its way: then
  /// the operation waits for on_late_stop before it finishes.
  [[nodiscard]] bool disarm() noexcept { return !armed_ || unregister(); }

  /// The operation is destroyed on its loop's thread without having ended. A request on its way is withdrawn.
  void drop() noexcept {
    if (!disarm()) link_.home.operations().withdraw_ready(link_);
  }

  /// Was the operation asked to stop?
  [[nodiscard]] bool requested() const noexcept { return requested_; }

 private:
  struct on_request {
    cancellation* self;
    void operator()() const noexcept { self->stop_requested(); }
  };

  // Carries the request to the loop. Exists only where stop is possible.
  struct link : operation_base {
    link(cancellation& whole, stop_fn& stop, late_stop_fn& late_stop) noexcept
        : operation_base(arrived), self(whole), on_stop(stop), on_late_stop(late_stop) {}
    static void arrived(operation_base& base, completion) noexcept {
      auto& request = static_cast<link&>(base);
      request.self.arrived();
    }
    // The first member, in the padding of operation_base.
    bool put_off = false;
    // Written by the stopping thread; read here once the callback is destroyed or the link has arrived.
    bool travels = false;
    cancellation& self;
    stop_fn& on_stop;
    late_stop_fn& on_late_stop;
    loop& home = loop::current();
  };
  static_assert(sizeof(link) == 56);

  [[gnu::noinline]] void attach(stop_token token, stop_fn& on_stop, late_stop_fn& on_late_stop) noexcept {
    armed_ = true;
    new (&link_) link(*this, on_stop, on_late_stop);
    new (&callback_) stop_callback<on_request>(token, on_request{this});
  }
  [[gnu::noinline]] bool unregister() noexcept {
    callback_.~stop_callback<on_request>();
    armed_ = false;
    link_.put_off = link_.travels;
    return !link_.put_off;
  }
  void stop_requested() noexcept {
    if (loop::current_or_null() == &link_.home) {
      requested_ = true;
      return link_.on_stop(*this);
    }
    link_.travels = true;  // unregister sees it, since it destroys the callback first
    link_.home.operations().deliver(link_);
  }
  void arrived() noexcept {
    link_.travels = false;
    requested_ = true;
    if (link_.put_off)
      link_.on_late_stop(*this);
    else
      link_.on_stop(*this);
  }

  bool armed_ = false;
  bool requested_ = false;
  union {
    link link_;  // exists from attach on; needs no destructor call
  };
  union {
    stop_callback<on_request> callback_;  // alive while armed_
  };
};

}  // namespace braid
