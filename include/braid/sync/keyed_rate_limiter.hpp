#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "braid/sync/detail/claim_sender.hpp"
#include "braid/sync/rate_limiter.hpp"

namespace braid {

/// A rate_limiter for each key: for each user, address or host.
///
///     keyed_rate_limiter<std::string> calls(5, 20);  // each user 5 a second, at most 20 at once
///     co_await calls.acquire("ann");
///     if (!calls.try_acquire("bob")) log("too many requests");
///
/// A key is idle while its bucket is full and nobody waits for it. It is then as good as one that was never
/// used, so idle keys are forgotten when new ones come. When `most_keys` are busy, a new key is refused. If a
/// busy one were forgotten instead, it would come back with a full bucket.
///
/// Lifetime  outlives the waiters.
/// Threads   one loop's.
/// Errors    for a refused key acquire fails as std::errc::resource_unavailable_try_again and try_acquire
///           returns false; else as with rate_limiter. An exception of copying, hashing or comparing a key.
///           The constructor throws std::invalid_argument unless all numbers are positive.
/// Cancel    as with rate_limiter.
/// Cost      two allocations for a new key, none for one that is known. A look for idle keys visits all of
///           them; it takes place when their number has doubled, or, with most_keys, when one may be idle.
template <class Key, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>>
class keyed_rate_limiter : pinned {
  struct acquiring;

 public:
  keyed_rate_limiter(token_rate rate, std::size_t burst, std::size_t most_keys = 10'000)
      : rate_(rate), burst_(burst), most_keys_(most_keys), look_at_(std::min(few, most_keys)) {
    static_cast<void>(detail::token_bucket(rate, burst));  // throws if they are wrong
    if (most_keys == 0) throw std::invalid_argument("keyed_rate_limiter: most_keys must be positive");
  }

  /// A sender of void.
  [[nodiscard]] auto acquire(Key key, std::size_t n = 1) {
    return detail::claim_sender(acquiring(*this, std::move(key), n));
  }
  /// Takes n tokens of the key if they are there now and nobody waits for them.
  [[nodiscard]] bool try_acquire(const Key& key, std::size_t n = 1) {
    rate_limiter* const of = limiter_of(key);
    return of != nullptr && of->try_acquire(n);
  }
  /// Forgets the idle keys now.
  void forget_idle() noexcept {
    idle_from_ = loop_clock::time_point::max();
    for (auto each = limiters_.begin(); each != limiters_.end();) {
      if (each->second.is_idle()) {
        each = limiters_.erase(each);
      } else {
        idle_from_ = std::min(idle_from_, each->second.bucket_.available_at(burst_));
        ++each;
      }
    }
    look_at_ = std::min(std::max(few, 2 * limiters_.size()), most_keys_);
  }
  /// How many keys it keeps now.
  [[nodiscard]] std::size_t size() const noexcept { return limiters_.size(); }

 private:
  static constexpr std::size_t few = 16;

  // In the queue of the key's limiter it is one of that limiter's own claims.
  struct acquiring : rate_limiter::acquiring {
    using base = rate_limiter::acquiring;
    using queued_as = base;
    static constexpr const char* name = "keyed_rate_limiter::acquire";
    acquiring(keyed_rate_limiter& which, Key&& one, std::size_t n)
        : base(nullptr, n), all(&which), key(std::move(one)) {}
    [[nodiscard]] bool failed() const noexcept { return this->on == nullptr || base::failed(); }
    [[nodiscard, gnu::cold, gnu::noinline]] error failure() const noexcept {
      if (this->on != nullptr) return rate_limiter::too_many(name);
      return error(std::make_error_code(std::errc::resource_unavailable_try_again), name);
    }
    [[nodiscard]] bool try_now() {
      this->on = all->limiter_of(key);
      return failed() || base::try_now();
    }
    // Between the hand-over and now the key may have been forgotten.
    void give_back() noexcept {
      if (const auto found = all->limiters_.find(key); found != all->limiters_.end()) base::give_back();
    }
    keyed_rate_limiter* all;
    Key key;
  };

  // Null if the key is refused.
  [[nodiscard]] rate_limiter* limiter_of(const Key& key) {
    if (const auto found = limiters_.find(key); found != limiters_.end()) return &found->second;
    if (limiters_.size() >= look_at_ && (look_at_ < most_keys_ || loop_clock::now() >= idle_from_))
      forget_idle();
    if (limiters_.size() >= most_keys_) return nullptr;
    return &limiters_.try_emplace(key, rate_, burst_).first->second;
  }

  const token_rate rate_;
  const std::size_t burst_;
  const std::size_t most_keys_;
  std::size_t look_at_;  // so many keys are reason enough to look for idle ones
  loop_clock::time_point idle_from_ = loop_clock::time_point::min();  // before that none is idle
  std::unordered_map<Key, rate_limiter, Hash, Equal> limiters_;
};

}  // namespace braid
