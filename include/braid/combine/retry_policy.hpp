#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "braid/base/error.hpp"
#include "braid/loop/clock.hpp"

namespace braid {

class retry_budget;

/// How a retry chooses its pauses: at random between zero and the backoff, so that clients that failed
/// together do not retry together; or the backoff itself.
///
///     const retry_policy steady{.attempts = 3, .base = 1s, .cap = 1s, .jitter = retry_jitter::none};
enum class retry_jitter : std::uint8_t { full, none };

/// How often to try and how long to pause: after the nth failure at most base * 2^(n-1), and never more than
/// cap.
///
///     const retry_policy patient{.attempts = 10, .base = 50ms, .cap = 5s};
///     log(co_await retry(patient, [] { return fetch("page"); }));
///
/// Source  Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): full jitter.
struct retry_policy {
  int attempts = 3;  ///< including the first one
  loop_clock::duration base = std::chrono::milliseconds(100);  ///< a negative value is zero
  loop_clock::duration cap = std::chrono::seconds(10);  ///< the longest pause
  retry_jitter jitter = retry_jitter::full;
  std::optional<std::uint64_t> seed{};  ///< makes the pauses the same in every run
  retry_budget* budget = nullptr;  ///< limits the further attempts of all retries that share it
};
// g++ 12 copies a policy that is written in place inside a co_await expression byte by byte.
static_assert(std::is_trivially_copyable_v<retry_policy>);

/// A failed attempt, as the observer of retry gets it.
///
///     const auto observe = [](const failed_attempt& it) { log(it.why.message()); };
///     log(co_await retry({}, [] { return fetch("page"); }, worth_retrying, observe));
struct failed_attempt {
  int number;  ///< from 1
  const error& why;  ///< what it failed with
  std::optional<loop_clock::duration> pause;  ///< until the next attempt; none after the last
};

/// True if another attempt may end differently: not after a cancellation, nor after a std::logic_error, which
/// is a fault of the program.
///
///     const auto worth = [](const error& why) { return worth_retrying(why) && why != errc::end_of_stream; };
///     log(co_await retry({}, [] { return fetch("page"); }, worth));
[[nodiscard]] bool worth_retrying(const error& why) noexcept;

namespace detail {

struct worth_retrying_fn {
  [[nodiscard]] bool operator()(const error& why) const noexcept { return worth_retrying(why); }
};

[[nodiscard]] std::uint64_t seed_of(const retry_policy& policy) noexcept;
/// The pause after this many failures; advances `random`.
[[nodiscard]] loop_clock::duration pause_after(int failures, const retry_policy& policy,
                                               std::uint64_t& random) noexcept;

// The errors of the attempts: the last one, and the latest before it.
class attempt_errors {
 public:
  void add(error why) noexcept { (*this)[count_++] = std::move(why); }
  /// The last error, with the earlier ones in its suppressed().
  [[nodiscard]] error last() && noexcept;
  /// A cancellation, with all errors in its suppressed().
  [[nodiscard]] error canceled() && noexcept;

 private:
  static constexpr std::size_t most = 8;
  [[nodiscard]] std::optional<error>& operator[](std::size_t n) noexcept { return kept_[n % most]; }
  void suppress_in(error& by, std::size_t end) noexcept;

  std::array<std::optional<error>, most> kept_;
  std::size_t count_ = 0;
};

}  // namespace detail

}  // namespace braid
