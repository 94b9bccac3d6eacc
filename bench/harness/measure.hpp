#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "progress.hpp"
#include "row.hpp"
#include "style.hpp"

namespace bench {

struct measure_options {
  std::size_t rounds;
  std::chrono::nanoseconds round_time;  // about what one style takes in one round
};

/// Measures some styles of one workload side by side, in this thread.
///
/// Every round runs each style once, and begins with a different one each time, so that a disturbance of the
/// machine hits all of them. The ratio to raw is taken within each round for the same reason.
/// Errors   std::runtime_error when a style does not prove its work; any exception of a style.
std::vector<row> measure(const workload& what, std::span<const style> styles, const measure_options& options,
                         progress& shown);

}  // namespace bench
