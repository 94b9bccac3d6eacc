#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/pinned.hpp"
#include "braid/sync/detail/claim_sender.hpp"

namespace braid {

/// A lock for many readers or one writer, among operations of one loop that wait while they hold it.
///
///     shared_mutex table;
///     {
///       const auto reading = co_await table.lock_shared();  // with other readers
///       log(co_await fetch("row"));
///     }
///     auto writing = co_await table.lock();  // alone
///     const auto still_there = std::move(writing).downgrade();  // with other readers; no writer in between
///
/// First come, first served: a reader that comes after a waiting writer waits too, so that neither starves.
///
/// Lifetime  outlives its locks and the waiters.
/// Threads   one loop's.
/// Cancel    a cancelled waiter leaves the queue, and the waiters that it held up go on. A waiter that got
///           the lock before the request keeps it.
/// Cost      no allocation. Taking a free lock does not suspend.
class shared_mutex : pinned {
  template <bool Shared>
  struct locking;

 public:
  /// Holds the mutex, shared or exclusive; its destructor unlocks.
  template <bool Shared>
  class [[nodiscard]] basic_lock {
   public:
    basic_lock(basic_lock&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    basic_lock& operator=(basic_lock other) noexcept {
      std::swap(held_, other.held_);
      return *this;
    }
    ~basic_lock() { unlock(); }
    /// Unlocks now.
    void unlock() noexcept {
      if (shared_mutex* held = std::exchange(held_, nullptr)) held->hand_over_or_free<Shared>();
    }
    /// Turns a writer's lock into a reader's at once: what was written stays as it is until this reader
    /// unlocks. The waiting readers that no waiting writer precedes come in, too. There is no way back: two
    /// readers that both wanted to write would wait for each other.
    /// Errors  std::logic_error when it holds no mutex.
    [[nodiscard]] basic_lock<true> downgrade() && {
      static_assert(!Shared, "a reader's lock is shared already");
      if (held_ == nullptr) throw std::logic_error("shared_mutex: downgrade of a lock that holds no mutex");
      shared_mutex& held = *std::exchange(held_, nullptr);
      held.template enter<true>();
      held.template hand_over_or_free<false>();
      return held.template held_as<true>();
    }
    /// Does it hold the mutex?
    [[nodiscard]] bool owns_lock() const noexcept { return held_ != nullptr; }

   private:
    friend shared_mutex;
    explicit basic_lock(shared_mutex& held) noexcept : held_(&held) {}
    shared_mutex* held_;
  };
  /// The lock of a writer.
  using scoped_lock = basic_lock<false>;
  /// The lock of a reader.
  using shared_lock = basic_lock<true>;

  shared_mutex() = default;
  ~shared_mutex() {
    if (is_locked()) detail::misused("~shared_mutex: it is locked");
  }

  /// A sender of scoped_lock, for a writer.
  [[nodiscard]] auto lock() noexcept { return detail::claim_sender(locking<false>(*this)); }
  /// A sender of shared_lock, for a reader.
  [[nodiscard]] auto lock_shared() noexcept { return detail::claim_sender(locking<true>(*this)); }
  /// A lock if it is possible at once.
  [[nodiscard]] std::optional<scoped_lock> try_lock() noexcept { return try_lock_as<false>(); }
  [[nodiscard]] std::optional<shared_lock> try_lock_shared() noexcept { return try_lock_as<true>(); }
  /// True while a writer or readers hold it.
  [[nodiscard]] bool is_locked() const noexcept { return written_ || readers_ != 0; }

 private:
  template <bool Shared>
  struct locking {
    using value_type = basic_lock<Shared>;
    static constexpr const char* name = Shared ? "shared_mutex::lock_shared" : "shared_mutex::lock";
    explicit locking(shared_mutex& which) noexcept : on(&which) {}
    [[nodiscard]] bool try_now() noexcept { return on->try_enter<Shared>(); }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept {
      place = on->arrivals_++;
      return Shared ? on->readers_waiting_ : on->writers_waiting_;
    }
    [[nodiscard]] basic_lock<Shared> take() noexcept { return basic_lock<Shared>(*on); }
    void give_back() noexcept { on->hand_over_or_free<Shared>(); }
    void left() noexcept { on->admit(); }
    shared_mutex* on;
    std::uint64_t place = 0;
  };
  template <bool Shared>
  static std::uint64_t place_of_first(detail::waiter_queue& waiters) noexcept {
    return waiters.empty() ? no_waiter : detail::claimant<locking<Shared>>::claim_of(waiters.front()).place;
  }
  static constexpr std::uint64_t no_waiter = ~std::uint64_t{0};

  template <bool Shared>
  [[nodiscard]] bool try_enter() noexcept {
    if (written_ || !writers_waiting_.empty() || !readers_waiting_.empty()) return false;
    if (!Shared && readers_ != 0) return false;
    enter<Shared>();
    return true;
  }
  template <bool Shared>
  [[nodiscard]] std::optional<basic_lock<Shared>> try_lock_as() noexcept {
    if (!try_enter<Shared>()) return std::nullopt;
    return held_as<Shared>();
  }
  template <bool Shared>
  [[nodiscard]] basic_lock<Shared> held_as() noexcept {
    return basic_lock<Shared>(*this);
  }
  template <bool Shared>
  void enter() noexcept {
    if constexpr (Shared)
      ++readers_;
    else
      written_ = true;
  }
  template <bool Shared>
  void hand_over_or_free() noexcept {
    if constexpr (Shared)
      --readers_;
    else
      written_ = false;
    admit();
  }
  // Hands the lock over to the waiters that can have it now, in the order in which they came.
  void admit() noexcept {
    while (!written_) {
      const std::uint64_t reader = place_of_first<true>(readers_waiting_);
      const std::uint64_t writer = place_of_first<false>(writers_waiting_);
      if (reader < writer) {
        enter<true>();
        readers_waiting_.pop_front().hand_over();
      } else if (writer != no_waiter && readers_ == 0) {
        enter<false>();
        writers_waiting_.pop_front().hand_over();
      } else {
        return;
      }
    }
  }

  bool written_ = false;
  std::size_t readers_ = 0;
  std::uint64_t arrivals_ = 0;  // how many have waited so far
  detail::waiter_queue readers_waiting_;
  detail::waiter_queue writers_waiting_;
};

}  // namespace braid
