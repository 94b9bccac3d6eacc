#include "paths.hpp"

#include "braid/combine/when_all.hpp"
#include "braid/style/run.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/mutex.hpp"

namespace instructions {

using namespace braid;

namespace {

task<> send_all(channel<long>& numbers, long times) {
  for (long i = 0; i < times; ++i) co_await numbers.send(1);
  numbers.close();
}

task<> sum_all(channel<long>& numbers, long& sum) {
  while (const auto number = co_await numbers.receive()) sum += *number;
}

task<long> all_locks(long times) {
  mutex free;
  long sum = 0;
  while (sum < times) {
    const auto held = co_await free.lock();
    ++sum;
  }
  co_return sum;
}

}  // namespace

long through_channel(loop& here, long times) {
  channel<long> numbers{64};
  long sum = 0;
  here.run(when_all(send_all(numbers, times), sum_all(numbers, sum)));
  return sum;
}

long locks(loop& here, long times) { return here.run(all_locks(times)); }

}  // namespace instructions
