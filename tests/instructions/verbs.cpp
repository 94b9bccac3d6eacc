#include "paths.hpp"

#include <utility>

#include "braid/schedule/yield.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/future.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"

namespace instructions {

using namespace braid;

namespace {

[[gnu::noinline]] task<long> one() { co_return 1; }

}  // namespace

long fiber_switch(loop& here, long times) {
  return here.run(in_fiber([=] {
    for (long i = 0; i < times; ++i) await(yield());
    return times;
  }));
}

// Links on a settled future, run in groups to their end, so that memory use is that of the steady state.
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

}  // namespace instructions
