#pragma once

#include <optional>
#include <string_view>

#include "style.hpp"

namespace bench {

/// System calls per operation, of all threads, counted exactly: a child process runs the style under ptrace.
///
/// What a run of n costs is subtracted from what a run of 2n costs, so that the price of starting a run does
/// not count. Nothing where ptrace is forbidden.
std::optional<double> syscalls_per_operation(const workload& what, const style& how);

/// The child's side: warms the style up, then runs it with a mark before, between and after. Gives the exit
/// code.
int run_traced(const workload& what, const style& how);

/// The option by which the program starts itself as that child, followed by workload and style.
inline constexpr std::string_view traced_option = "--traced-child";

}  // namespace bench
