#pragma once

#include <chrono>
#include <cstdint>

namespace bench {

/// 10,000 timers. One is due at once; the others are so late that they end only because they are cancelled.
struct race {
  static constexpr std::uint64_t runners = 10'000;
  static constexpr std::uint64_t winner = 7'777;

  static constexpr std::chrono::nanoseconds time_of(std::uint64_t runner) noexcept {
    if (runner == winner) return std::chrono::nanoseconds{1};
    return std::chrono::hours{1} + std::chrono::nanoseconds{runner};
  }
};

/// The proof of n operations: the sum of the winners' indices.
constexpr std::uint64_t proof_of_races(std::uint64_t n) { return n / race::runners * race::winner; }

}  // namespace bench
