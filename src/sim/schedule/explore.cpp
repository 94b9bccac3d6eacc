#include "braid/sim/explore.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

namespace braid::sim {

namespace {

std::optional<std::uint64_t> seed_to_replay() {
  const char* word = std::getenv("BRAID_SIM_SEED");
  if (word == nullptr) return std::nullopt;
  const std::string text(word);
  std::uint64_t seed = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (failed != std::errc{} || end != text.data() + text.size())
    throw std::invalid_argument("BRAID_SIM_SEED is '" + text + "'; it takes a number");
  return seed;
}

void print_failure(const std::string& where) {
  std::string why = "an exception that is no std::exception";
  try {
    throw;
  } catch (const std::exception& e) {
    why = e.what();
  } catch (...) {}
  std::fprintf(stderr, "braid: the simulation fails with %s: %s\n", where.c_str(), why.c_str());
}

void add(explored& all, const world& one) {
  ++all.runs;
  all.steps += one.steps();
  all.trace_hash = (all.trace_hash ^ one.trace_hash()) * 0x100000001b3;
}

}  // namespace

explored explore(std::uint64_t seeds, unique_function<void(world&)> program, world_options options) {
  explored all;
  const auto replayed = seed_to_replay();
  const std::uint64_t first = replayed.value_or(0), end = replayed ? *replayed + 1 : seeds;
  for (std::uint64_t seed = first; seed != end; ++seed) {
    options.seed = seed;
    try {
      world one(options);
      program(one);
      add(all, one);
    } catch (...) {
      const std::string number = std::to_string(seed);
      print_failure("seed " + number + " (BRAID_SIM_SEED=" + number + " replays it)");
      throw;
    }
  }
  return all;
}

explored exhaust(unique_function<void(world&)> program, world_options options, std::uint64_t most_runs) {
  explored all;
  choices path{choices::every_path{}};
  do {
    if (all.runs == most_runs)
      throw std::length_error("sim::exhaust: more than " + std::to_string(most_runs) + " orders");
    try {
      world one(options, path);
      program(one);
      add(all, one);
    } catch (...) {
      print_failure("the decisions " + path.text() + ", run " + std::to_string(all.runs + 1));
      throw;
    }
  } while (path.next_path());
  return all;
}

}  // namespace braid::sim
