#include <braid/braid.hpp>
#include <chrono>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

using namespace std::chrono_literals;

std::uint64_t timers(std::uint64_t n) {
  std::uint64_t fired = 0;
  while (fired < n) {
    braid::await(braid::sleep_for(1ns));
    ++fired;
  }
  return fired;
}

std::uint64_t run_timers(braid::loop& loop, std::uint64_t n) {
  return loop.run(braid::in_fiber([n] { return timers(n); }));
}

const bench::add<bench::with<bench::thread_loop, run_timers>> here{"timer", "fiber"};

}  // namespace
