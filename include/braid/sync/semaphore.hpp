#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/sync/waiting.hpp"

namespace braid {

/// So many operations of one loop at once: a number of permits, and a queue for them.
///
/// Lifetime  outlives its permits and who waits for one.
/// Threads   one loop's.
/// Cancel    who waits leaves the queue; who was given a permit in the meantime has it.
/// Cost      no allocation. A free permit is had without suspending; else first come, first served.
class semaphore : pinned {
 public:
  /// One of the permits; given back at its end.
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
    /// It is not given back by itself any more: somebody calls release() for it.
    void forget() noexcept { from_ = nullptr; }

   private:
    friend semaphore;
    explicit permit(semaphore& from) noexcept : from_(&from) {}
    semaphore* from_;
  };

  explicit semaphore(std::size_t permits) noexcept : free_(permits) {}

  /// A sender of permit.
  [[nodiscard]] auto acquire() noexcept { return detail::pass_sender<semaphore>(*this); }
  /// A permit if one is free.
  [[nodiscard]] std::optional<permit> try_acquire() noexcept {
    if (!try_pass()) return std::nullopt;
    return passed();
  }
  /// Adds permits: such as were forgotten, or more than there ever were.
  void release(std::size_t permits = 1) noexcept {
    for (; permits > 0 && !waiters_.empty(); --permits) waiters_.pop_front().pass();
    free_ += permits;
  }
  /// How many are free now.
  [[nodiscard]] std::size_t available() const noexcept { return free_; }

 private:
  template <class, class>
  friend class detail::pass_state;
  friend class detail::pass_awaiter<semaphore>;
  friend class detail::pass_sender<semaphore>;
  friend error detail::pass_canceled<semaphore>();
  using value_type = permit;
  static constexpr const char* name = "semaphore::acquire";

  [[nodiscard]] bool try_pass() noexcept {
    if (free_ == 0) return false;
    --free_;
    return true;
  }
  [[nodiscard]] permit passed() noexcept { return permit(*this); }
  void give_back() noexcept { release(); }
  [[nodiscard]] intrusive_list<detail::sync_waiter>& waiters() noexcept { return waiters_; }

  std::size_t free_;  // where there are some, nobody waits
  intrusive_list<detail::sync_waiter> waiters_;
};

}  // namespace braid
