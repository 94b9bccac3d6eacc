#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "braid/sync/detail/claim_sender.hpp"
#include "braid/sync/detail/refill_timer.hpp"
#include "braid/sync/detail/token_bucket.hpp"

namespace braid {

/// How many tokens a rate_limiter gets in a period, at even distances. A plain number is a rate a second.
///
///     rate_limiter mails(token_rate(5, 1min), 1);  // one every twelve seconds
struct token_rate {
  /// A count that is not positive is zero, which the constructor of rate_limiter refuses.
  template <std::integral Count>
  constexpr token_rate(Count count, loop_clock::duration in = std::chrono::seconds(1)) noexcept
      : tokens(count > 0 ? static_cast<std::size_t>(count) : 0), period(in) {}

  std::size_t tokens;
  loop_clock::duration period;
};

/// Limits how often the operations of one loop do something: a token bucket. It holds at most `burst` tokens,
/// is full at first, and gets new ones at a rate. acquire(n) takes n of them, and waits until they are there.
///
///     rate_limiter calls(100, 20);  // 100 a second on average, at most 20 at once
///     for (const char* page : {"one", "two", "three"}) {
///       co_await calls.acquire();
///       log(co_await fetch(page));
///     }
///
/// Waiters are served first come, first served: while one waits for many tokens, later ones that need fewer
/// wait behind it, and try_acquire fails. So no waiter starves. Tokens are not given back; a limit on what
/// runs at the same time is a semaphore.
///
/// Lifetime  outlives the waiters.
/// Threads   one loop's.
/// Errors    acquire and try_acquire fail with std::invalid_argument if n is more than the burst, since so
///           many tokens are never there. The constructor throws it unless rate, period and burst are
///           positive.
/// Cancel    a cancelled acquire takes no token, and the waiters behind it move up. One that got its tokens
///           before the request has them.
/// Cost      one allocation when it is made, one timer for all waiters. An acquire whose tokens are there
///           does not suspend.
class rate_limiter : pinned {
  struct acquiring;

 public:
  rate_limiter(token_rate rate, std::size_t burst) : bucket_(rate, burst), timer_(*this) {}

  /// A sender of void.
  [[nodiscard]] auto acquire(std::size_t n = 1) noexcept { return detail::claim_sender(acquiring{this, n}); }
  /// Takes n tokens if they are there now and nobody waits.
  [[nodiscard]] bool try_acquire(std::size_t n = 1);
  /// How many are there now. Those that waiters wait for are among them.
  [[nodiscard]] std::size_t available() noexcept { return bucket_.available(); }

 private:
  template <class, class, class>
  friend class keyed_rate_limiter;
  friend class detail::refill_timer;

  struct acquiring {
    using value_type = void;
    static constexpr const char* name = "rate_limiter::acquire";
    acquiring(rate_limiter* which, std::size_t n) noexcept : on(which), tokens(n) {}
    [[nodiscard]] bool failed() const noexcept { return tokens > on->bucket_.burst(); }
    [[nodiscard, gnu::cold, gnu::noinline]] error failure() const noexcept { return too_many(name); }
    [[nodiscard]] bool try_now() noexcept { return failed() || on->take(tokens); }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->waiters_; }
    void on_wait() noexcept { on->set_timer(); }
    void left() noexcept { on->hand_over(); }
    void take() const noexcept {}
    void give_back() noexcept {
      on->bucket_.put_back(tokens);
      on->hand_over();
    }
    rate_limiter* on;
    std::size_t tokens;
  };

  [[nodiscard]] static error too_many(const char* call) noexcept;
  [[nodiscard]] bool take(std::size_t n) noexcept { return waiters_.empty() && bucket_.take(n); }
  [[nodiscard]] bool is_idle() noexcept { return waiters_.empty() && bucket_.is_full(); }
  // The tokens that the first waiter needs.
  [[nodiscard]] std::size_t first_need() noexcept {
    return detail::queued_claim<acquiring>::claim_of(waiters_.front()).tokens;
  }
  // Hands over to the waiters whose tokens are there, and sets the timer for the next one.
  void hand_over() noexcept;
  void set_timer() noexcept;

  detail::token_bucket bucket_;
  detail::waiter_queue waiters_;
  detail::refill_timer::owned timer_;
};

}  // namespace braid
