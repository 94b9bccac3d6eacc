#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "stage/allocations.hpp"

namespace stage {

/// The cost of one operation, once everything is warm.
struct cost {
  std::chrono::nanoseconds elapsed{};  // the median
  std::optional<double> allocations;   // the mean, on the thread that asked for it

  [[nodiscard]] std::string elapsed_text() const;      ///< "41.3 ms"
  [[nodiscard]] std::string allocations_text() const;  ///< "2.0", "-" when not known
};

/// Measures once(), which it calls several times after a warm-up. The cost of between(), called after each,
/// does not count.
template <class F, class G>
cost measure(F once, G between) {
  constexpr int warming = 2, measured = 5;
  std::array<std::chrono::nanoseconds, measured> elapsed;
  std::uint64_t allocated = 0;
  for (int i = -warming; i < measured; ++i) {
    const std::uint64_t before = allocations().value_or(0);
    const auto began = std::chrono::steady_clock::now();
    once();
    if (i >= 0) {
      elapsed[static_cast<std::size_t>(i)] = std::chrono::steady_clock::now() - began;
      allocated += allocations().value_or(0) - before;
    }
    between();
  }
  std::ranges::nth_element(elapsed, elapsed.begin() + measured / 2);
  cost one{elapsed[measured / 2], std::nullopt};
  if (allocations()) one.allocations = static_cast<double>(allocated) / measured;
  return one;
}
template <class F>
cost measure(F once) {
  return measure(once, [] {});
}

}  // namespace stage
