#include <chrono>
#include <string>

#include "braid/schedule/sleep.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/task.hpp"
#include "paths.hpp"

namespace instructions {

using namespace braid;
using namespace std::chrono_literals;

namespace {

task<void> sleep_for_good(sim::host&) { co_await sleep_for(24h * 365); }

task<void> sleep_often(long times, long& slept) {
  for (; slept < times; ++slept) co_await sleep_for(1ns);
}

}  // namespace

// The sleeps of one simulated host, two steps each, beside 1,000 hosts that always sleep. If the world asked
// each of those, a step would take 10,000 instructions more.
long among_hosts(loop&, long times) {
  sim::world world(0);
  for (int i = 0; i < 1000; ++i) world.add_host("idle " + std::to_string(i), {.program = sleep_for_good});
  sim::host& sleeper = world.add_host("sleeper");
  long slept = 0;
  world.run_on(sleeper, sleep_often(times, slept));
  return slept;
}

}  // namespace instructions
