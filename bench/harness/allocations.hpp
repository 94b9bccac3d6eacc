#pragma once

#include <cstdint>
#include <optional>

#include "style.hpp"

namespace bench {

/// Heap allocations per operation of a warmed fixture, in all threads: malloc and what stands on it.
///
/// What a run of n costs is subtracted from what a run of 2n costs, so that the price of starting a run does
/// not count. Nothing under a sanitizer, which has a malloc of its own.
std::optional<double> allocations_per_operation(fixture& warmed, std::uint64_t n);

}  // namespace bench
