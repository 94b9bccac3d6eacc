#pragma once

#include <initializer_list>
#include <span>

#include "braid/loop/detail/signal_listener.hpp"
#include "braid/sync/detail/claim_sender.hpp"

namespace braid {

/// Signals of the process as operations: next() waits for the next one.
///
///     signal_set stop{SIGINT, SIGTERM};
///     const int which = co_await stop.next();  // they no longer end the program
///     log(which == SIGINT ? "interrupted" : "asked to end");
///
/// While the set lives, its signals come to it instead of taking the action that they had. Every set that
/// asks for a signal gets it, on any loop: each of them once. A signal waits in the set until a next() takes
/// it. One that arrives again before that is the same one, as it is in the kernel. Of different ones the
/// lowest number comes first. With the last set for a signal the action from before the first comes back:
/// destroy the set once the program ends its work, and a second Ctrl-C ends it at once.
///
/// Lifetime  pinned; made and destroyed on its loop's thread, destroyed before the loop; outlives its
///           waiters.
/// Threads   one loop's. The signal may arrive on any thread, also one that was started before the set. On
///           its own thread the set unblocks its signals while it lives; a signal that all other threads
///           block arrives there. A signal that was pending arrives as well.
/// Fork      in a child that fork(2) made, the signals have the actions from before; the set gets none there.
/// Errors    the constructor throws std::logic_error on a thread without a loop, and std::system_error for
///           signals that cannot be waited for: SIGKILL, SIGSTOP, and those of faults, such as SIGSEGV.
/// Cancel    a cancelled next() takes no signal.
/// Cost      no allocation. A next() for a signal that waits already does not suspend. Waiting is no work
///           that keeps loop::run() from returning.
class signal_set : detail::signal_listener {
  struct waiting;

 public:
  signal_set(std::initializer_list<int> signals)
      : signal_listener("signal_set", std::span(signals.begin(), signals.size()), on_signal) {}

  /// The number of the next signal. Several may wait: each signal goes to the one that has waited longest.
  [[nodiscard]] auto next() noexcept { return detail::claim_sender(waiting{*this}); }

 private:
  struct waiting {
    using value_type = int;
    static constexpr const char* name = "signal_set::next";
    explicit waiting(signal_set& which) noexcept : on(&which) {}
    [[nodiscard]] bool try_now() noexcept {
      if (on->waiters_.empty()) got = on->take();
      return got != 0;
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->waiters_; }
    [[nodiscard]] int take() const noexcept { return got; }
    void give_back() const noexcept {
      on->put_back(got);
      on->hand_over();
    }
    signal_set* on;
    int got = 0;
  };

  static void on_signal(detail::signal_listener& base) noexcept {
    static_cast<signal_set&>(base).hand_over();
  }
  void hand_over() noexcept {
    while (!waiters_.empty()) {
      const int signal = take();
      if (signal == 0) return;
      detail::sync_waiter& first = waiters_.pop_front();
      detail::queued_claim<waiting>::claim_of(first).got = signal;
      first.hand_over();
    }
  }

  detail::waiter_queue waiters_;
};

}  // namespace braid
