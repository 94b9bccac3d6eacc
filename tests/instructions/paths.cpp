// Runs one of the shortest paths TIMES times in a row, or at once, and nothing else. `check` counts its
// instructions.
//
//    instructions PATH TIMES

#include "paths.hpp"

#include <malloc.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>

using namespace braid;

namespace {

std::size_t allocated_bytes() {
  const auto now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

// Runs the path three times. The third run must leave no more memory in use than the second.
long all_at_once(long (*path)(loop&, long), loop& here, long times) {
  for (int i = 0; i < 2; ++i) path(here, times);
  const std::size_t before = allocated_bytes();
  const long done = path(here, times);
  const std::size_t after = allocated_bytes();
  if (after > before) return std::fprintf(stderr, "%zu bytes more are in use\n", after - before), -1;
  return done;
}

struct path {
  std::string_view name;
  long (*run)(loop&, long);
  bool at_once = false;
};
constexpr path paths[] = {
    {"among_hosts", instructions::among_hosts},
    {"any_of", instructions::any_of, true},
    {"call", instructions::call},
    {"channel", instructions::through_channel},
    {"fiber_switch", instructions::fiber_switch},
    {"lock", instructions::locks},
    {"mutex_queue", instructions::mutex_queue, true},
    {"nop", instructions::nops},
    {"ready", instructions::ready},
    {"spawn", instructions::spawns},
    {"start", instructions::starts},
    {"stoppable_nop", instructions::stoppable_nops},
    {"switch", instructions::yields},
    {"task_group", instructions::task_group, true},
    {"task_local", instructions::task_local_reads},
    {"then", instructions::then},
    {"timers", instructions::timers, true},
};

long run_path(std::string_view name, long times) {
  loop here;
  for (const path& each : paths)
    if (each.name == name) return each.at_once ? all_at_once(each.run, here, times) : each.run(here, times);
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: instructions PATH TIMES\n", stderr), 2;
  const long times = std::atol(argv[2]);
  const long done = run_path(argv[1], times);
  if (done != times) return std::fprintf(stderr, "%s: %ld of %ld\n", argv[1], done, times), 1;
}
