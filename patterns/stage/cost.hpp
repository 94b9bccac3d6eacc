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

/// Measures once(), called some times after some more to warm up.
template <class F>
cost measure(F once) {
  constexpr int warming = 2, measured = 5;
  for (int i = 0; i < warming; ++i) once();
  const auto allocated = allocations();
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < measured; ++i) once();
  cost one{(std::chrono::steady_clock::now() - began) / measured, std::nullopt};
  if (allocated) one.allocations = static_cast<double>(*allocations() - *allocated) / measured;
  return one;
}

}  // namespace stage
