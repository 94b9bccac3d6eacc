#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/sync/detail/claim_sender.hpp"

namespace braid {

/// A limited number of permits for the operations of one loop, and a queue for them.
///
///     semaphore connections(10);
///     const auto one_of_ten = co_await connections.acquire();  // given back at the end of the block
///     log(co_await fetch("page"));
///
/// One operation may acquire several permits, all of them at once or none: its weight.
///
///     semaphore megabytes(64);
///     const auto room = co_await megabytes.acquire(16);
///     log(co_await fetch("film"));
///
/// Waiters are served first come, first served: a waiter that needs many permits holds up the waiters behind
/// it, even if there are enough for them, so that small requests never starve a large one.
///
/// Lifetime  outlives its permits and the waiters.
/// Threads   one loop's.
/// Errors    acquire fails with std::invalid_argument for more permits than the maximum, at once, since it
///           would wait for good; with errc::semaphore_closed after close().
/// Cancel    a cancelled waiter leaves the queue, and the waiters that it held up go on. A waiter that got
///           its permits before the request keeps them.
/// Cost      no allocation. Acquiring free permits does not suspend.
class semaphore : pinned {
  struct acquiring;

 public:
  /// The maximum of a semaphore that any number of permits may be added to.
  static constexpr std::size_t unlimited = ~std::size_t{0};

  /// What one acquire got; its destructor gives it back.
  class [[nodiscard]] permit {
   public:
    permit(permit&& other) noexcept
        : from_(std::exchange(other.from_, nullptr)), count_(std::exchange(other.count_, 0)) {}
    permit& operator=(permit other) noexcept {
      std::swap(from_, other.from_);
      std::swap(count_, other.count_);
      return *this;
    }
    ~permit() {
      if (from_ != nullptr) from_->release(count_);
    }
    /// Keeps the destructor from giving it back: the program calls release() instead.
    void forget() noexcept {
      from_ = nullptr;
      count_ = 0;
    }
    /// How many permits it holds: 0 once it was moved from or forgotten.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

   private:
    friend semaphore;
    permit(semaphore& from, std::size_t count) noexcept : from_(&from), count_(count) {}
    semaphore* from_;
    std::size_t count_;
  };

  /// The maximum is the number of permits; it is unlimited if that is 0, since then all of them are added
  /// later.
  explicit semaphore(std::size_t permits) noexcept : semaphore(permits, permits == 0 ? unlimited : permits) {}
  /// The maximum bounds what one acquire may ask for. It grows if more permits than that are ever free.
  semaphore(std::size_t permits, std::size_t maximum) noexcept
      : free_(permits), maximum_(std::max(permits, maximum)) {}

  /// A sender of permit, which holds so many. None at all are free at once.
  [[nodiscard]] auto acquire(std::size_t permits = 1) noexcept {
    return detail::claim_sender(acquiring(*this, permits));
  }
  /// A permit for so many if they are free now and no operation waits.
  [[nodiscard]] std::optional<permit> try_acquire(std::size_t permits = 1) noexcept {
    if (!take(permits)) return std::nullopt;
    return permit(*this, permits);
  }
  /// Adds permits: those that were forgotten, or additional ones.
  void release(std::size_t permits = 1) noexcept {
    if (waiters_.empty() && !closed_) {
      free_ += permits;
    } else {
      saved_ += permits;
      admit();
    }
    maximum_ = std::max(maximum_, available());
  }
  /// Ends acquiring: waiting operations fail, and later ones; try_acquire gives nothing. Permits that are
  /// held stay good. Closing twice is no error.
  void close() noexcept {
    closed_ = true;
    saved_ += std::exchange(free_, 0);
    while (!waiters_.empty()) {
      detail::sync_waiter& each = waiters_.pop_front();
      claim_of(each).refused = refusal::closed;
      each.hand_over();
    }
  }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }
  /// How many are free now. While an operation waits for more than that, they are kept for it.
  [[nodiscard]] std::size_t available() const noexcept { return free_ + saved_; }
  /// The most that one acquire may ask for.
  [[nodiscard]] std::size_t maximum() const noexcept { return maximum_; }

 private:
  enum class refusal : unsigned char { none, closed, too_many };
  struct acquiring {
    using value_type = permit;
    static constexpr const char* name = "semaphore::acquire";
    acquiring(semaphore& which, std::size_t permits) noexcept : on(&which), count(permits) {}
    [[nodiscard]] bool try_now() noexcept {
      if (on->take(count)) return true;
      if (count > on->maximum_)
        refused = refusal::too_many;
      else if (on->closed_)
        refused = refusal::closed;
      return failed();
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept {
      on->saved_ += std::exchange(on->free_, 0);
      return on->waiters_;
    }
    [[nodiscard]] permit take() noexcept { return permit(*on, count); }
    void give_back() noexcept {
      if (!failed()) on->release(count);
    }
    void left() noexcept { on->admit(); }
    [[nodiscard]] bool failed() const noexcept { return refused != refusal::none; }
    [[nodiscard, gnu::cold, gnu::noinline]] error failure() const noexcept {
      if (refused == refusal::too_many)
        return invalid_argument_error(name, "it asks for more permits than the semaphore's maximum");
      return error(make_error_code(errc::semaphore_closed), name);
    }
    semaphore* on;
    std::size_t count;
    refusal refused = refusal::none;
  };
  [[nodiscard]] static acquiring& claim_of(detail::sync_waiter& waiter) noexcept {
    return detail::queued_claim<acquiring>::claim_of(waiter);
  }
  [[nodiscard]] bool take(std::size_t permits) noexcept {
    if (free_ < permits) return false;
    free_ -= permits;
    return true;
  }
  // The waiter that can be served now: the first, or one that only waits of its own select precede.
  [[nodiscard]] detail::sync_waiter* next_to_serve() noexcept {
    if (waiters_.empty()) return nullptr;
    detail::sync_waiter& first = waiters_.front();
    const auto fits = [this](detail::sync_waiter& each) { return claim_of(each).count <= saved_; };
    detail::sync_waiter* const next =
        waiters_.find_if([&](detail::sync_waiter& each) { return fits(each) || !each.in_group_with(first); });
    if (next == nullptr || !fits(*next)) return nullptr;
    return next == &first || next->in_group_with(first) ? next : nullptr;
  }
  // Hands the saved permits over to the waiters in their order, as far as they go.
  void admit() noexcept {
    if (closed_) return;
    while (detail::sync_waiter* const next = next_to_serve()) {
      saved_ -= claim_of(*next).count;
      next->unlink();
      next->hand_over();
    }
    if (waiters_.empty()) free_ += std::exchange(saved_, 0);
  }

  std::size_t free_;  // 0 while an operation waits, and once it is closed: then saved_ has the free ones
  std::size_t saved_ = 0;
  std::size_t maximum_;
  bool closed_ = false;
  detail::waiter_queue waiters_;
};

}  // namespace braid
