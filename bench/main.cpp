#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "measure.hpp"
#include "progress.hpp"
#include "results.hpp"
#include "style.hpp"
#include "syscalls.hpp"
#include "table.hpp"

namespace {

using namespace std::chrono_literals;

struct request {
  std::vector<std::string> workloads;
  std::vector<std::string> styles;
  std::string json_file;
  std::size_t rounds = 0;  // 0: chosen from the length of the measurement
  bool quick = false;
  bool list = false;
};

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const auto& w : bench::all_workloads()) names.emplace_back(w.name);
  return names;
}

bool chosen(const std::vector<std::string>& among, std::string_view name) {
  return among.empty() || std::ranges::find(among, name) != among.end();
}

/// The styles to run of a workload: the requested ones, and raw, to compare them with.
std::vector<bench::style> contestants(const bench::workload& w, const request& asked) {
  auto styles = bench::styles_of(w);
  const auto wanted = [&](const bench::style& s) { return chosen(asked.styles, s.name); };
  if (std::ranges::none_of(styles, wanted)) return {};
  std::erase_if(styles, [&](const bench::style& s) { return s.name != "raw" && !wanted(s); });
  return styles;
}

int list() {
  for (const auto& w : bench::all_workloads()) {
    std::string names;
    for (const auto& s : bench::styles_of(w)) names += fmt::format(" {}", s.name);
    fmt::print("{:<13} {}\n{:<14}{}\n", w.name, w.operation, "", names.empty() ? " no style" : names);
  }
  return 0;
}

int measure(const request& asked) {
  bench::measure_options options{asked.quick ? 101u : 601u, 1ms};
  if (asked.rounds > 0) options.rounds = asked.rounds;
  std::vector<const bench::workload*> todo;
  for (const auto& w : bench::all_workloads()) {
    if (chosen(asked.workloads, w.name) && !contestants(w, asked).empty()) todo.push_back(&w);
  }
  if (todo.empty()) {
    fmt::print(stderr, "braid_bench: nothing to measure: no such style of these workloads; see --list\n");
    return 2;
  }
  std::vector<bench::row> all;
  bench::progress shown(todo.size(), options.rounds);
  for (const auto* w : todo) {
    shown.begin(w->name);
    auto rows = bench::measure(*w, contestants(*w, asked), options, shown);
    std::erase_if(rows, [&](const bench::row& r) { return !chosen(asked.styles, r.style); });
    shown.clear();
    bench::print_table(rows, all.empty());
    std::ranges::move(rows, std::back_inserter(all));
  }
  if (!asked.json_file.empty()) bench::write_results(asked.json_file, all, options);
  return 0;
}

/// To count system calls, this program runs itself again: `--traced-child WORKLOAD STYLE`.
int traced_child(std::string_view workload_name, std::string_view style_name) {
  const auto* const what = bench::find_workload(workload_name);
  if (!what) return 2;
  const auto styles = bench::styles_of(*what);
  const auto how = std::ranges::find(styles, style_name, &bench::style::name);
  return how == styles.end() ? 2 : bench::run_traced(*what, *how);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 4 && argv[1] == bench::traced_option) return traced_child(argv[2], argv[3]);

  request asked;
  CLI::App app("Measures what each style of waiting costs, beside a hand-written liburing loop.",
               "braid_bench");
  app.failure_message([](const CLI::App* usage, const CLI::Error& error) {
    return fmt::format("braid_bench: {}\n\n{}", error.what(), usage->help());
  });
  app.add_option("WORKLOAD", asked.workloads, "what to measure (all of them if none is named)")
      ->check(CLI::IsMember(workload_names()));
  app.add_option("--style", asked.styles, "measure this style only; may be repeated")
      ->check(CLI::IsMember(bench::style_names()))
      ->expected(1)
      ->allow_extra_args(false)  // else a workload after it would be read as another style
      ->take_all();
  app.add_flag("--quick", asked.quick, "fewer rounds: well under a minute for everything");
  app.add_option("--rounds", asked.rounds, "how often every style gets its turn")
      ->check(CLI::Range(1, 100'000));
  app.add_option("--json", asked.json_file, "write the results to this file")->type_name("FILE");
  app.add_flag("--list", asked.list, "show workloads and styles, and measure nothing");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return asked.list ? list() : measure(asked);
} catch (const std::exception& error) {
  fmt::print(stderr, "braid_bench: {}\n", error.what());
  return 1;
}
