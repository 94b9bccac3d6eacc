#include "measure.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>

#include "allocations.hpp"
#include "statistics.hpp"
#include "syscalls.hpp"

namespace bench {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr std::uint64_t most_operations = 1'000'000'000'000;  // far more than a round can do

/// A style that is set up for measuring, with the number of operations that make a round of the wanted
/// length. A style whose smallest run is much longer than that takes part only in every few rounds.
struct contestant {
  style how;
  std::unique_ptr<fixture> made;
  std::uint64_t operations;
  std::size_t every = 1;
};

void run_and_check(const workload& what, const contestant& c) {
  const std::uint64_t proof = c.made->run(c.operations);
  const std::uint64_t expected = what.proof(c.operations);
  if (proof == expected) return;
  throw std::runtime_error(fmt::format("{} {}: {} operations gave the proof {}, expected {}", what.name,
                                       c.how.name, c.operations, proof, expected));
}

std::chrono::duration<double> run_and_time(const workload& what, const contestant& c) {
  const auto begin = steady_clock::now();
  run_and_check(what, c);
  return steady_clock::now() - begin;
}

/// Sets a style up, and runs it until it is warm and its speed is known. It takes the speed from three runs,
/// because an interruption of a single run would make the style seem slow for the whole measurement.
contestant warmed(const workload& what, const style& how, const measure_options& options) {
  contestant c{how, how.make(), what.unit};
  for (;;) {
    const auto took = std::min({run_and_time(what, c), run_and_time(what, c), run_and_time(what, c)});
    const double growth = std::chrono::duration<double>(options.round_time) / took;
    const double units = std::min(growth, 16.0) * static_cast<double>(c.operations / what.unit);
    c.operations = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(units)) * what.unit;
    if (growth < 2) {
      const std::size_t longer = static_cast<std::size_t>(1 / (4 * growth)) + 1;
      c.every = std::min(longer, std::max<std::size_t>(1, options.rounds / 5));
      return c;
    }
    if (c.operations > most_operations) {
      throw std::runtime_error(
          fmt::format("{} {}: takes no time: it was optimized away", what.name, how.name));
    }
  }
}

/// Collects the samples from Google Benchmark, in the order in which they were measured.
class collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.iterations == 0) continue;  // the style failed
      const double ns = run.real_accumulated_time * 1e9 / static_cast<double>(run.iterations);
      samples_[run.run_name.function_name].push_back(ns);
    }
  }

  [[nodiscard]] const std::vector<double>& of(std::string_view style_name) const {
    return samples_.at(std::string(style_name));
  }

 private:
  std::map<std::string, std::vector<double>> samples_;
};

/// One style's part of one round: a single call of run, timed by Google Benchmark.
/// It keeps an exception aside, because the library must not see one, and skips the later rounds.
void measure_once(benchmark::State& state, const workload& what, const contestant& c,
                  std::exception_ptr& failure) {
  if (failure) return state.SkipWithError("an earlier round failed");
  try {
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(c.operations))) {
      run_and_check(what, c);
    }
  } catch (...) {
    failure = std::current_exception();
    state.SkipWithError("failed");
  }
}

void measure_rounds(const workload& what, std::span<const contestant> all, std::size_t rounds,
                    progress& shown, collector& samples) {
  std::exception_ptr failure;
  benchmark::ClearRegisteredBenchmarks();
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t turn = 0; turn < all.size(); ++turn) {
      const contestant& c = all[(round + turn) % all.size()];
      if (round % c.every != 0) continue;
      const auto body = [&what, &c, &shown, &failure, round, turn](benchmark::State& state) {
        if (turn == 0) shown.round(round + 1);
        measure_once(state, what, c, failure);
      };
      benchmark::RegisterBenchmark(std::string(c.how.name).c_str(), body)
          ->Iterations(static_cast<benchmark::IterationCount>(c.operations))
          ->UseRealTime();
    }
  }
  benchmark::RunSpecifiedBenchmarks(&samples, ".");
  if (failure) std::rethrow_exception(failure);
}

/// The ratios of samples that were taken every few rounds to the samples of the same rounds in the other
/// style.
double median_ratio(const std::vector<double>& samples, std::size_t every, const std::vector<double>& to) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < samples.size(); ++i) ratios.push_back(samples[i] / to[i * every]);
  return median(ratios);
}

}  // namespace

std::vector<row> measure(const workload& what, std::span<const style> styles, const measure_options& options,
                         progress& shown) {
  shown.say("warming up");
  std::vector<contestant> all;
  for (const style& how : styles) all.push_back(warmed(what, how, options));
  const bool has_raw = !all.empty() && all.front().how.name == "raw";
  if (has_raw) all.front().every = 1;  // each round of another style needs a round of raw to compare with
  collector samples;
  measure_rounds(what, all, options.rounds, shown, samples);

  std::vector<row> rows;
  shown.say("counting allocations and system calls");
  for (const contestant& c : all) {
    const std::vector<double>& ns = samples.of(c.how.name);
    row found;
    found.workload = what.name;
    found.style = c.how.name;
    found.ns = median(ns);
    found.ns_worst = quantile(ns, 1);
    found.spread = spread(ns);
    if (has_raw) found.ratio_to_raw = median_ratio(ns, c.every, samples.of("raw"));
    found.allocs = allocations_per_operation(*c.made, what.counted);
    rows.push_back(std::move(found));
  }
  all.clear();  // ends the fixtures' threads: the next step forks, with one thread only
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].syscalls = syscalls_per_operation(what, styles[i]);
  return rows;
}

}  // namespace bench
