#include "paths.hpp"

#include "braid/core/just.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/run.hpp"
#include "braid/style/task.hpp"

namespace instructions {

using namespace braid;

namespace {

[[gnu::noinline]] task<long> one() { co_return 1; }

task<long> calls(long times) {
  long sum = 0;
  for (long i = 0; i < times; ++i) sum += co_await one();
  co_return sum;
}

task<long> all_ready(long times) {
  long sum = 0;
  for (long i = 0; i < times; ++i) sum += co_await just(1L);
  co_return sum;
}

task<long> all_yields(long times) {
  for (long i = 0; i < times; ++i) co_await yield();
  co_return times;
}

}  // namespace

long call(loop& here, long times) { return here.run(calls(times)); }
long ready(loop& here, long times) { return here.run(all_ready(times)); }
long yields(loop& here, long times) { return here.run(all_yields(times)); }

}  // namespace instructions
