#include "paths.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include "braid/combine/task_group.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/mutex.hpp"

namespace instructions {

using namespace braid;
using namespace std::chrono_literals;

namespace {

task<> queue_up(mutex& guard, long& served) {
  const auto held = co_await guard.lock();
  ++served;
}

task<long> one_later() {
  co_await yield();
  co_return 1;
}

}  // namespace

// All timers are pending at once. Half of them are cancelled; the others are due in another order than they
// began.
long timers(loop& here, long times) {
  stop_source half;
  long ended = 0;
  for (long i = 0; i < times; ++i) {
    const bool late = i % 2 == 1;
    start(with_stop_token(sleep_for((late ? 1h : 0h) + i * 7919 % times * 1ns),
                          late ? half.get_token() : stop_token()),
          [&ended, late](result<void> with) { ended += with.has_value() != late; });
  }
  half.request_stop();
  here.run();
  return ended;
}

// The last but one of `times` sleeps wins, and the others are cancelled.
long any_of(loop& here, long times) {
  std::vector<decltype(sleep_for(1ns))> all;
  for (long i = 0; i < times; ++i) all.push_back(sleep_for(i == times - 2 ? 1ns : 1h));
  const auto won = here.run(when_any(std::move(all)));
  return static_cast<long>(won.index) + 2;
}

long mutex_queue(loop& here, long times) {
  mutex guard;
  long served = 0;
  auto first = guard.try_lock();
  for (long i = 0; i < times; ++i) detach(queue_up(guard, served));
  first.reset();
  here.run();
  return served;
}

// All tasks run before the first result is received.
long task_group(loop& here, long times) {
  const auto all = [&](braid::task_group<long>& group) -> task<long> {
    for (long i = 0; i < times; ++i) group.spawn(one_later());
    long sum = 0;
    while (const auto one = co_await group.next()) sum += **one;
    co_return sum;
  };
  return here.run(with_group<long>(all));
}

}  // namespace instructions
