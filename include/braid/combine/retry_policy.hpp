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

/// How the pauses of a retry are drawn: anywhere from zero to the backoff, so that those who failed together
/// do not come again together; or the backoff itself.
enum class retry_jitter : std::uint8_t { full, none };

/// How often to try, and how long to pause: after the nth failure up to base * 2^(n-1), and never more than
/// cap.
///
/// Source  Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): full jitter.
struct retry_policy {
  int attempts = 3;  ///< the first one included
  loop_clock::duration base = std::chrono::milliseconds(100);  ///< below zero is zero
  loop_clock::duration cap = std::chrono::seconds(10);
  retry_jitter jitter = retry_jitter::full;
  std::optional<std::uint64_t> seed{};  ///< the same pauses in every run; without it, others in each
};
// A policy may be written in place inside a co_await expression, which g++ 12 copies byte by byte.
static_assert(std::is_trivially_copyable_v<retry_policy>);

/// An attempt that failed, as retry's observer sees it.
struct failed_attempt {
  int number;  ///< from 1
  const error& why;
  std::optional<loop_clock::duration> pause;  ///< until the next one; none when it was the last
};

/// May another attempt end otherwise? Not one that was cancelled, nor one that failed by a std::logic_error:
/// that is the program's own fault.
[[nodiscard]] bool worth_retrying(const error& why) noexcept;

namespace detail {

[[nodiscard]] std::uint64_t seed_of(const retry_policy& policy) noexcept;
/// After so many failures. Draws on.
[[nodiscard]] loop_clock::duration pause_after(int failures, const retry_policy& policy,
                                               std::uint64_t& random) noexcept;

// What the attempts failed with: the last error, and the latest of those before it.
class attempt_errors {
 public:
  void add(error why) noexcept { (*this)[count_++] = std::move(why); }
  /// The last error, which keeps the earlier ones.
  [[nodiscard]] error last() && noexcept;
  /// A cancellation, which keeps them all.
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
