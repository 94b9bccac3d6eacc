#include <fcntl.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "braid/fs/file.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "path_requests.hpp"

// The usual way to replace a file atomically. The simulated disk must support it, and must break it if the
// sync is missing.

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

// The n-th contents of "/data".
std::string version(int n) { return std::string(3000, static_cast<char>('a' + n % 26)); }

struct progress {
  int renamed = 0;
};
task<void> replace_for_ever(progress& done, bool syncs) {
  for (int n = 1;; ++n) {
    const std::string text = version(n);
    file made = co_await open_file("/data.new", O_WRONLY | O_CREAT | O_TRUNC);
    co_await made.write_all(text);
    if (syncs) co_await made.sync();
    co_await made.close();
    auto over = rename_path("/data.new", "/data");
    co_await std::move(over);
    done.renamed = n;
  }
}

// Crashes 1000 runs, each at its own moment; returns after how many "/data" is not one of the possible
// versions.
int broken_replacements(bool syncs) {
  int broken = 0;
  for (std::uint64_t seed = 0; seed != 1000; ++seed) {
    progress done;
    sim::world in(seed);
    sim::host& at = in.add_host("disk", {.program = [&](sim::host&) { return replace_for_ever(done, syncs); },
                                         .disk = {.least_latency = 10us, .most_latency = 1ms}});
    at.put("/data", version(0));
    in.run_for(in.draws().between(0ms, 20ms));
    in.crash(at);
    const auto found = at.contents("/data");
    // The last rename may be lost, and one may have happened that was not yet reported.
    const int last = done.renamed;
    if (found != version(last) && found != version(last + 1) && (last == 0 || found != version(last - 1)))
      ++broken;
  }
  return broken;
}

}  // namespace

TEST_CASE("sim::disk: write, sync and rename replace a file atomically; without the sync they do not",
          "[sim][disk]") {
  CHECK(broken_replacements(true) == 0);
  CHECK(broken_replacements(false) > 100);
}
