#include <chrono>
#include <exception>
#include <future>
#include <optional>

#include <fmt/format.h>

#include "stage/cost.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "stage/temporary_folder.hpp"
#include "usage.hpp"
#include "versions.hpp"

using namespace readiness_vs_completion;

namespace {

enum class cache { warm, cold };

/// The visitors, with their own thread and loop; their costs are not the server's.
class thread_of_visitors {
 public:
  thread_of_visitors(endpoint at, visitors who)
      : used_(std::async(std::launch::async, [at, who] {
          run(visit_all(at, who));
          return of_this_thread();
        })) {}
  /// Call once the visitors have gone.
  [[nodiscard]] switches used() { return used_.get(); }

 private:
  std::future<switches> used_;
};

/// What a reactor and its other threads did for a number of questions.
struct effort {
  std::size_t calls = 0;
  switches loop, others;
};

/// Serves all visitors once.
effort serve_once(stage::style how, loop& here, const shelf& from, visitors who) {
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  const std::size_t calls = here.system_calls();
  const switches mine = of_this_thread(), everybodys = of_this_process();
  thread_of_visitors there(door.local_endpoint(), who);
  serve(how, door, from, who);
  const switches theirs = there.used(), mine_now = of_this_thread() - mine;
  return {here.system_calls() - calls, mine_now, of_this_process() - everybodys - mine_now - theirs};
}

std::vector<std::string> row(stage::style how, loop& here, cache is, const shelf& from, visitors who) {
  (void)serve_once(how, here, from, who);  // now it is warm in any case
  const auto cool = [&] {
    if (is == cache::cold) from.cool();
  };
  cool();
  effort all;
  int runs = 0;
  const auto count_once = [&] {
    const effort once = serve_once(how, here, from, who);
    all = {all.calls + once.calls, all.loop + once.loop, all.others + once.others};
    ++runs;
  };
  const stage::cost cost = stage::measure(count_once, cool);
  const double questions = static_cast<double>(who.many * who.questions), told = questions * runs;
  const auto per = [told](auto count) { return fmt::format("{:.2f}", static_cast<double>(count) / told); };
  return {std::string(name_of(how)),
          here.reactor_name(),
          is == cache::warm ? "warm" : "cold",
          per(all.calls),
          per(all.loop.voluntary),
          per(all.loop.involuntary),
          per(all.others.voluntary + all.others.involuntary),
          fmt::format("{:.1f} us", static_cast<double>(cost.elapsed.count()) / 1e3 / questions)};
}

// The reason why the kernel refuses this reactor, if it does.
std::optional<std::string> why_not(backend which) {
  try {
    loop here({.backend = which});
    return std::nullopt;
  } catch (const std::system_error& refused) {
    return refused.what();
  }
}

}  // namespace

int main(int argc, char** argv) {
  stage::program program("readiness_vs_completion",
                         "Eight visitors ask for 64 pieces of a file each: one server, two reactors.");
  std::string where = std::filesystem::temp_directory_path().string();
  program.option("--folder", where, "where the file is made: on a disk, or else it is never cold");

  return program.run(argc, argv, [&](std::span<const stage::style> styles) {
    const stage::temporary_folder folder(where);
    const visitors who{.pieces = 2048};
    shelf::make(folder.path() / "shelf", who.pieces);
    stage::table table({"style", "reactor", "file", "calls", "waits", "cut short", "others", "elapsed"});
    for (backend which : every_reactor) {
      if (const auto reason = why_not(which)) {
        fmt::print("no {}: {}\n", name_of(which), *reason);
        continue;
      }
      for (stage::style how : styles)
        for (cache is : {cache::warm, cache::cold}) {
          const shelf from(folder.path() / "shelf");
          loop here({.backend = which});
          table.add(row(how, here, is, from, who));
        }
    }
    fmt::print("For each question\n");
    table.print();
  });
}
