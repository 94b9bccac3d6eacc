#include <braid/braid.hpp>
#include <chrono>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

using namespace std::chrono_literals;

braid::task<std::uint64_t> timers(std::uint64_t n) {
  std::uint64_t fired = 0;
  while (fired < n) {
    co_await braid::sleep_for(1ns);
    ++fired;
  }
  co_return fired;
}

std::uint64_t run_timers(braid::loop& loop, std::uint64_t n) { return loop.run(timers(n)); }

const bench::add<bench::with<bench::thread_loop, run_timers>> here{"timer", "coroutine"};

}  // namespace
