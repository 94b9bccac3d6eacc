#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace bench {

/// One measured task: a row of the table for each style that can honestly do it.
///
/// The requested number of operations is always a multiple of `unit`, so that a style that keeps 32
/// operations in flight, or drains every 4096, needs no code for a remainder.
struct workload {
  std::string_view name;
  std::string_view operation;  // what one operation is
  std::uint64_t unit;
  std::uint64_t counted;  // the number of operations for counting allocations and system calls
  std::uint64_t (*proof)(std::uint64_t n);  // what run(n) must return
};

/// All workloads, in the order of the table.
std::span<const workload> all_workloads();

/// The workload of that name, or nullptr.
const workload* find_workload(std::string_view name);

}  // namespace bench
