#include "paths.hpp"

#include <utility>

#include "braid/core/just.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/run.hpp"
#include "braid/style/task.hpp"
#include "braid/style/task_local.hpp"

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

const task_local<long> one_above(0);

task<long> all_reads(long times) {
  long sum = 0;
  for (long i = 0; i < times; ++i) sum += co_await one_above.get();
  co_return sum;
}

task<long> below(int tasks, task<long> reader) {
  if (tasks == 0) co_return co_await std::move(reader);
  co_return co_await below(tasks - 1, std::move(reader));
}

}  // namespace

long call(loop& here, long times) { return here.run(calls(times)); }
long ready(loop& here, long times) { return here.run(all_ready(times)); }
long yields(loop& here, long times) { return here.run(all_yields(times)); }

// The reader is the tenth task below the value.
long task_local_reads(loop& here, long times) {
  return here.run(with(one_above, 1L, below(8, all_reads(times))));
}

}  // namespace instructions
