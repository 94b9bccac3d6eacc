#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "clients.hpp"
#include "server_process.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "versions.hpp"

using namespace thread_per_request;

namespace {

constexpr std::size_t pool_threads = 200;

/// Until SIGINT or SIGTERM.
void serve(model by, std::string_view at, std::chrono::milliseconds backend_takes) {
  sigset_t stop;  // blocked in all threads, since they inherit it; this one waits for it
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  database from(backend_takes);
  const server serving(by, endpoint::parse(at).value(), from, pool_threads);
  fmt::print("{} listening at {}\n", name_of(by), serving.address().to_string());
  std::fflush(stdout);
  int which = 0;
  sigwait(&stop, &which);
}

/// How many requests a second there can be: one for each that may wait for the backend.
double theory(model by, std::size_t connections, std::chrono::milliseconds backend_takes) {
  const std::size_t at_once = by == model::pool ? std::min(connections, pool_threads) : connections;
  return static_cast<double>(at_once) / std::chrono::duration<double>(backend_takes).count();
}

std::vector<std::string> row(model by, std::size_t connections, std::chrono::milliseconds backend_takes) {
  const server_process serving(by, backend_takes);
  const usage empty = serving.used();
  usage before, after;
  const crowd who{.connections = connections,
                  .lasts = 3 * backend_takes,
                  .connected = [&] { before = serving.used(); },
                  .answered = [&] { after = serving.used(); }};
  const seen all = run(visit(serving.address(), who));
  const auto per = [](std::size_t to, std::size_t from, std::size_t of) {
    const double grown = static_cast<double>(to) - static_cast<double>(from);
    return of == 0 || to < from ? std::string("-") : fmt::format("{:.1f}", grown / static_cast<double>(of));
  };
  return {std::string(name_of(by)),
          std::to_string(connections),
          fmt::format("{:.0f}", theory(by, connections, backend_takes)),
          fmt::format("{:.0f}", static_cast<double>(all.answers) / all.elapsed.count()),
          per(after.resident_kib, empty.resident_kib, connections - all.refused) + " KiB",
          per(after.switches, before.switches, all.answers),
          std::to_string(all.refused)};
}

}  // namespace

int main(int argc, char** argv) {
  stage::program program("thread_per_request",
                         "One handler, which asks a slow backend: served by threads, by loops, by fibers.",
                         {"model", {"thread", "pool", "loop", "fibers", "cores"}});
  std::string at;
  std::chrono::milliseconds backend_takes{50};
  bool whole = false;
  program.option("--serve", at, "serve with one model at ADDRESS:PORT, until SIGINT or SIGTERM");
  program.option("--backend", backend_takes, "how long the backend takes");
  program.flag("--all", whole, "up to 10,000 connections; with --backend 500ms it takes minutes");

  return program.run_chosen(argc, argv, [&](std::span<const std::string> names) {
    allow_many_descriptors();
    std::vector<model> models;
    for (model each : every_model)
      if (std::ranges::find(names, name_of(each)) != names.end()) models.push_back(each);
    if (!at.empty()) return serve(models.size() == 1 ? models.front() : model::loop, at, backend_takes);

    std::vector<std::size_t> sizes{10, 200, 1000};
    if (whole) sizes.push_back(10'000);
    stage::table table(
        {"model", "connections", "at most", "requests/s", "memory each", "switches", "refused"});
    for (model each : models)
      for (std::size_t connections : sizes) table.add(row(each, connections, backend_takes));
    fmt::print("The backend takes {} ms; the pool has {} threads\n", backend_takes.count(), pool_threads);
    table.print();
  });
}
