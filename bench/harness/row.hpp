#pragma once

#include <optional>
#include <string>

namespace bench {

/// The results of one style of one workload. Times are wall clock, per operation.
struct row {
  std::string workload;
  std::string style;
  double ns = 0;                       // median over the rounds
  double ns_worst = 0;                 // the slowest round
  double spread = 0;                   // between the quartiles, as a fraction of the median
  std::optional<double> ratio_to_raw;  // median of the ratios within each round
  std::optional<double> allocs;
  std::optional<double> syscalls;
};

}  // namespace bench
