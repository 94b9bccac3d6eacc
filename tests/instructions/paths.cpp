// Runs one of the shortest paths so many times and nothing else: what check counts the instructions of.
//
//   instructions PATH TIMES

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "braid/core/just.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/future.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"

using namespace braid;

namespace {

[[gnu::noinline]] task<long> one() { co_return 1; }

task<long> call(long times) {
  long sum = 0;
  for (long i = 0; i < times; ++i) sum += co_await one();
  co_return sum;
}

task<long> ready(long times) {
  long sum = 0;
  for (long i = 0; i < times; ++i) sum += co_await just(1L);
  co_return sum;
}

task<long> yields(long times) {
  for (long i = 0; i < times; ++i) co_await yield();
  co_return times;
}

long fiber_switch(loop& here, long times) {
  return here.run(in_fiber([=] {
    for (long i = 0; i < times; ++i) await(yield());
    return times;
  }));
}

// A link on a future that is settled, run to its end: in groups, so that the memory is that of the steady
// state.
long then(loop& here, long times) {
  constexpr long group = 100;
  long sum = 0;
  for (long done = 0; done < times; done += group) {
    auto last = make_ready_future(0L);
    for (long i = 0; i < group; ++i) last = std::move(last).then([](long n) { return n + 1; });
    sum += here.run(std::move(last));
  }
  return sum;
}

long spawns(loop& here, long times) {
  constexpr long group = 100;
  long sum = 0;
  for (long done = 0; done < times; done += group) {
    for (long i = 0; i < group; ++i) {
      auto dropped = spawn(one());
      ++sum;
    }
    here.run();
  }
  return sum;
}

long starts(loop& here, long times) {
  constexpr long group = 100;
  long sum = 0;
  for (long done = 0; done < times; done += group) {
    for (long i = 0; i < group; ++i) start(one(), [&](result<long> ended) { sum += *ended; });
    here.run();
  }
  return sum;
}

long run_path(std::string_view path, long times) {
  loop here;
  if (path == "call") return here.run(call(times));
  if (path == "ready") return here.run(ready(times));
  if (path == "switch") return here.run(yields(times));
  if (path == "fiber_switch") return fiber_switch(here, times);
  if (path == "then") return then(here, times);
  if (path == "spawn") return spawns(here, times);
  if (path == "start") return starts(here, times);
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: instructions PATH TIMES\n", stderr), 2;
  const long times = std::atol(argv[2]);
  const long done = run_path(argv[1], times);
  if (done != times) return std::fprintf(stderr, "%s: %ld of %ld\n", argv[1], done, times), 1;
}
