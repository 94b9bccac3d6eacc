#pragma once

#include <span>

#include "row.hpp"

namespace bench {

/// Prints the rows of one workload to stdout, under a heading when they are the first.
/// Ratios are coloured on a terminal, unless NO_COLOR is set.
void print_table(std::span<const row> rows, bool first);

}  // namespace bench
