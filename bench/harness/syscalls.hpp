#pragma once

#include <optional>
#include <string_view>

#include "style.hpp"

namespace bench {

/// System calls per operation, in all threads, counted exactly: a child process runs the style under ptrace.
///
/// The result is the difference between a run of 2n and a run of n, so that the cost of starting a run does
/// not count. Empty if ptrace is forbidden.
std::optional<double> syscalls_per_operation(const workload& what, const style& how);

/// The child's side: warms the style up, then runs it, with a mark before, between and after. Returns the
/// exit code.
int run_traced(const workload& what, const style& how);

/// The option with which the program starts itself as that child, followed by workload and style.
inline constexpr std::string_view traced_option = "--traced-child";

}  // namespace bench
