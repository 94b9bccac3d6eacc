#pragma once

#include <cstdint>

#include "braid/base/unique_function.hpp"
#include "braid/sim/world.hpp"

namespace braid::sim {

/// The counts of a search.
///
///     const sim::explored done = sim::explore(100, [](sim::world& here) { here.run(fetch("page")); });
///     use(done.runs, done.steps);
struct explored {
  std::uint64_t runs = 0;
  std::uint64_t steps = 0;
  std::uint64_t trace_hash = 0;  ///< of all runs: equal searches have equal hashes
};

/// Runs the program in a fresh world for each of the seeds 0 to seeds - 1. The first run that throws ends the
/// search, and explore throws its exception. The environment variable BRAID_SIM_SEED=n makes it run that seed
/// alone.
///
///     sim::explore(1000, [](sim::world& here) {
///       here.faults().add({.what = sim::fault::lost, .probability = 0.1});
///       const std::string text = here.run(fetch("page"));
///       if (text.empty()) throw std::runtime_error("no text");  // reports the seed
///     });
///
/// Errors  the program's own, after printing the seed to stderr; std::invalid_argument if BRAID_SIM_SEED is
///         no number.
explored explore(std::uint64_t seeds, unique_function<void(world&)> program, world_options options = {});

/// Runs the program once for every possible order: of ready operations, of completions, and of events at the
/// same instant, and with each fault of a probability between 0 and 1 both happening and not. A host's timers
/// go before its other events of the same instant, the timer that was added first first. A request that is
/// repeated until it succeeds, as after EINTR, has endless orders: script such a fault with nth.
/// For small programs: the number of orders grows like a factorial.
///
///     sim::exhaust([](sim::world& here) {
///       int counter = 0;
///       const auto add = [&]() -> task<> {
///         const int seen = counter;
///         co_await yield();
///         counter = seen + 1;
///       };
///       here.run(when_all(add, add));
///       if (counter != 2) throw std::runtime_error("an update was lost");  // reports the decisions
///     });
///
/// Errors  the program's own, after printing the decisions that led there to stderr; std::length_error when
///         most_runs were not enough.
explored exhaust(unique_function<void(world&)> program, world_options options = {},
                 std::uint64_t most_runs = 1'000'000);

}  // namespace braid::sim
