#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "stage/allocations.hpp"

namespace stage {

/// What one operation took, once everything is warm: the mean of some.
struct cost {
  std::chrono::nanoseconds elapsed{};
  std::optional<double> allocations;  // on the thread that asked for it

  [[nodiscard]] std::string elapsed_text() const;      ///< "41.3 ms"
  [[nodiscard]] std::string allocations_text() const;  ///< "2.0", "-" when not known
};

/// Measures once(), called some times after some more to warm up; what between() does after each does not count.
template <class F, class G>
cost measure(F once, G between) {
  constexpr int warming = 2, measured = 5;
  cost sum;
  if (allocations()) sum.allocations = 0;
  for (int i = -warming; i < measured; ++i) {
    const auto allocated = allocations();
    const auto began = std::chrono::steady_clock::now();
    once();
    if (i >= 0) {
      sum.elapsed += std::chrono::steady_clock::now() - began;
      if (allocated) *sum.allocations += static_cast<double>(*allocations() - *allocated);
    }
    between();
  }
  sum.elapsed /= measured;
  if (sum.allocations) *sum.allocations /= measured;
  return sum;
}
template <class F>
cost measure(F once) {
  return measure(once, [] {});
}

}  // namespace stage
