#pragma once

#include <cstdint>

#include "braid/base/unique_function.hpp"
#include "braid/sim/world.hpp"

namespace braid::sim {

/// What a search went through.
struct explored {
  std::uint64_t runs = 0;
  std::uint64_t steps = 0;
  std::uint64_t trace_hash = 0;  ///< of all runs: equal wherever they were equal
};

/// Runs the program in a fresh world for each of the seeds 0, 1, … until one fails, which is what it throws.
/// The environment's BRAID_SIM_SEED=n replays that seed alone.
///
/// Errors  the program's own, once the seed has been printed to stderr; std::invalid_argument where
///         BRAID_SIM_SEED is no number.
explored explore(std::uint64_t seeds, unique_function<void(world&)> program, world_options options = {});

/// Runs the program once for every order in which it can go: of ready operations, of completions, of what
/// happens at the same instant, and with each fault of a probability between 0 and 1 both happening and not.
/// A host's timers go before what else it could do at that instant, the first added first. What is tried
/// again until it succeeds, as EINTR is, has no end of orders: script it with nth.
/// For small programs: the number of orders grows like a factorial.
///
/// Errors  the program's own, once the decisions that led there have been printed to stderr;
///         std::length_error when most_runs did not suffice.
explored exhaust(unique_function<void(world&)> program, world_options options = {},
                 std::uint64_t most_runs = 1'000'000);

}  // namespace braid::sim
