#pragma once

#include <chrono>
#include <cstdint>

namespace bench {

/// 100,000 timers, all pending at once, added in an order that is not that of their times. The odd ones
/// expire in an hour and are cancelled; the even ones have expired by the time all are pending.
struct crowd {
  static constexpr std::uint64_t size = 100'000;

  static constexpr bool is_cancelled(std::uint64_t i) noexcept { return i % 2 == 1; }
  static constexpr std::chrono::nanoseconds time_of(std::uint64_t i) noexcept {
    const std::chrono::nanoseconds scattered{i * 7'919 % size};
    return is_cancelled(i) ? std::chrono::hours{1} + scattered : scattered;
  }

  std::uint64_t expired = 0;
  std::uint64_t cancelled = 0;

  void ended(bool well) noexcept { ++(well ? expired : cancelled); }
  [[nodiscard]] constexpr std::uint64_t proof() const noexcept { return cancelled << 32 | expired; }
};

constexpr std::uint64_t proof_of_crowds(std::uint64_t n) { return crowd{n / 2, n / 2}.proof(); }

}  // namespace bench
