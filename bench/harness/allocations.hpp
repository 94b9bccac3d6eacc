#pragma once

#include <cstdint>
#include <optional>

#include "style.hpp"

namespace bench {

/// Heap allocations per operation of a warm fixture, in all threads: malloc and everything that uses it.
///
/// The result is the difference between a run of 2n and a run of n, so that the cost of starting a run does
/// not count. Empty under a sanitizer, which has its own malloc.
std::optional<double> allocations_per_operation(fixture& warmed, std::uint64_t n);

}  // namespace bench
