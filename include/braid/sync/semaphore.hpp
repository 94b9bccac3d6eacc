#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/sync/detail/claim_sender.hpp"

namespace braid {

/// A limited number of permits for the operations of one loop, and a queue for them.
///
///     semaphore connections(10);
///     const auto one_of_ten = co_await connections.acquire();  // given back at the end of the block
///     log(co_await fetch("page"));
///
/// Lifetime  outlives its permits and the waiters.
/// Threads   one loop's.
/// Cancel    a cancelled waiter leaves the queue. A waiter that got a permit before the request keeps it.
/// Cost      no allocation. Acquiring a free permit does not suspend. Waiters: first come, first served.
class semaphore : pinned {
  struct acquiring;

 public:
  /// One of the permits; its destructor gives it back.
  class [[nodiscard]] permit {
   public:
    permit(permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
    permit& operator=(permit other) noexcept {
      std::swap(from_, other.from_);
      return *this;
    }
    ~permit() {
      if (from_ != nullptr) from_->release();
    }
    /// Keeps the destructor from giving it back: the program calls release() instead.
    void forget() noexcept { from_ = nullptr; }

   private:
    friend semaphore;
    explicit permit(semaphore& from) noexcept : from_(&from) {}
    semaphore* from_;
  };

  explicit semaphore(std::size_t permits) noexcept : free_(permits) {}

  /// A sender of permit.
  [[nodiscard]] auto acquire() noexcept { return detail::claim_sender(acquiring{*this}); }
  /// A permit if one is free now.
  [[nodiscard]] std::optional<permit> try_acquire() noexcept {
    if (!take_one()) return std::nullopt;
    return permit(*this);
  }
  /// Adds permits: those that were forgotten, or additional ones.
  void release(std::size_t permits = 1) noexcept {
    for (; permits > 0 && !waiters_.empty(); --permits) waiters_.pop_front().hand_over();
    free_ += permits;
  }
  /// How many are free now.
  [[nodiscard]] std::size_t available() const noexcept { return free_; }

 private:
  struct acquiring {
    using value_type = permit;
    static constexpr const char* name = "semaphore::acquire";
    explicit acquiring(semaphore& which) noexcept : on(&which) {}
    [[nodiscard]] bool try_now() noexcept { return on->take_one(); }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->waiters_; }
    [[nodiscard]] permit take() noexcept { return permit(*on); }
    void give_back() noexcept { on->release(); }
    semaphore* on;
  };
  [[nodiscard]] bool take_one() noexcept {
    if (free_ == 0) return false;
    --free_;
    return true;
  }

  std::size_t free_;  // while it is not 0 there is no waiter
  detail::waiter_queue waiters_;
};

}  // namespace braid
