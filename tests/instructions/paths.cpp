// Runs one of the shortest paths so many times, or something so many times at once, and nothing else: what check counts
// the instructions of.
//
//   instructions PATH TIMES

#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/future.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/mutex.hpp"

using namespace braid;
using namespace std::chrono_literals;

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

// Requests, 32 in flight.
task<> some_nops(long times) {
  for (long i = 0; i < times; ++i) co_await nop();
}
long nops(loop& here, long times) {
  constexpr long abreast = 32;
  for (long i = 0; i < abreast; ++i) detach(some_nops(times / abreast + (i < times % abreast)));
  here.run();
  return times;
}
long stoppable_nops(loop& here, long times) {
  constexpr long abreast = 32;
  std::vector<task<>> all;
  for (long i = 0; i < abreast; ++i) all.push_back(some_nops(times / abreast + (i < times % abreast)));
  here.run(when_all(std::move(all)));
  return times;
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

task<> send_all(channel<long>& numbers, long times) {
  for (long i = 0; i < times; ++i) co_await numbers.send(1);
  numbers.close();
}

task<> sum_all(channel<long>& numbers, long& sum) {
  while (const auto number = co_await numbers.receive()) sum += *number;
}

long through_channel(loop& here, long times) {
  channel<long> numbers{64};
  long sum = 0;
  here.run(when_all(send_all(numbers, times), sum_all(numbers, sum)));
  return sum;
}

task<long> locks(long times) {
  mutex free;
  long sum = 0;
  while (sum < times) {
    const auto held = co_await free.lock();
    ++sum;
  }
  co_return sum;
}

// All of them pending at once. Half are cancelled; the others are due in an order that is not theirs.
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

// The last but one of so many wins, and the others are cancelled.
long any_of(loop& here, long times) {
  std::vector<decltype(sleep_for(1ns))> all;
  for (long i = 0; i < times; ++i) all.push_back(sleep_for(i == times - 2 ? 1ns : 1h));
  const auto won = here.run(when_any(std::move(all)));
  return static_cast<long>(won.index) + 2;
}

task<> queue_up(mutex& guard, long& served) {
  const auto held = co_await guard.lock();
  ++served;
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

std::size_t allocated_bytes() {
  const auto now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

// Three times, of which the third must leave no more memory behind than those before.
long all_at_once(long (*path)(loop&, long), loop& here, long times) {
  for (int i = 0; i < 2; ++i) path(here, times);
  const std::size_t before = allocated_bytes();
  const long done = path(here, times);
  const std::size_t after = allocated_bytes();
  if (after > before) return std::fprintf(stderr, "%zu bytes more are in use\n", after - before), -1;
  return done;
}

long run_path(std::string_view path, long times) {
  loop here;
  if (path == "any_of") return all_at_once(any_of, here, times);
  if (path == "channel") return through_channel(here, times);
  if (path == "lock") return here.run(locks(times));
  if (path == "mutex_queue") return all_at_once(mutex_queue, here, times);
  if (path == "timers") return all_at_once(timers, here, times);
  if (path == "call") return here.run(call(times));
  if (path == "ready") return here.run(ready(times));
  if (path == "switch") return here.run(yields(times));
  if (path == "fiber_switch") return fiber_switch(here, times);
  if (path == "nop") return nops(here, times);
  if (path == "stoppable_nop") return stoppable_nops(here, times);
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
