#pragma once

#include <chrono>
#include <cstdint>

namespace bench {

/// 10,000 timers, of which one is due at once, and the others so late that they only end by being cancelled.
struct race {
  static constexpr std::uint64_t runners = 10'000;
  static constexpr std::uint64_t winner = 7'777;

  static constexpr std::chrono::nanoseconds time_of(std::uint64_t runner) noexcept {
    if (runner == winner) return std::chrono::nanoseconds{1};
    return std::chrono::hours{1} + std::chrono::nanoseconds{runner};
  }
};

/// The proof of n operations: the sum of the indices of those who won.
constexpr std::uint64_t proof_of_races(std::uint64_t n) { return n / race::runners * race::winner; }

}  // namespace bench
