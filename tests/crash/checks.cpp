// checks CASE makes one mistake, or does the right thing that looks like it. tests/checks.cpp runs it with
// and without BRAID_CHECKS=1.

#include <time.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/merge.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/interval.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shared_task.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/mutex.hpp"
#include "braid/sync/once.hpp"

using namespace braid;
using namespace std::chrono_literals;

namespace {

// ---- holding the loop: the limit is 100 ms, set by BRAID_CHECKS_HOLD_MS

// Computes. Counts the thread's own time, so that a busy machine makes no difference.
void compute(std::chrono::milliseconds how_long) {
  const auto now = [] {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
  };
  for (const auto end = now() + how_long; now() < end;) {}
}

task<int> computes_after_yield() {
  co_await yield();
  compute(200ms);
  co_return 1;
}
task<> computes_until_an_await() {
  co_await sleep_for(1ms);
  compute(200ms);
  co_await yield();
}
void held_at_end() {
  run([]() -> task<> {
    for (int n = 0; n < 2; ++n) co_await computes_after_yield();
  });
}
void held_until_await() { run(computes_until_an_await()); }
void held_by_fiber() {
  run(in_fiber([] {
    await(yield());
    compute(200ms);
    await(yield());
  }));
}
void held_by_handler() {
  loop here;
  start(sleep_for(1ms), [](result<void>) { compute(200ms); });
  here.run();
}
void held_by_post() {
  loop here;
  here.post([] { compute(200ms); });
  here.run();
}
void not_held() {
  run([]() -> task<> {
    for (int n = 0; n < 20; ++n) {
      compute(8ms);
      co_await yield();
    }
  });
  compute(200ms);  // outside of the loop
}
void not_held_on_virtual_time() {
  const sim::virtual_time clock;
  run([]() -> task<> {
    for (int n = 0; n < 5; ++n) co_await sleep_for(24h);
  });
}

// ---- a task that never begins

task<> greets() { co_return; }
task<> waves() { co_return; }
void unbegun() {
  for (int n = 0; n < 2; ++n) {
    const auto dropped = greets();
  }
  std::vector<task<>> all;
  all.push_back(waves());
}
task<> forgets_to_await() {
  co_await sleep_for(1ms);
  const auto forgotten = greets();
}
void unbegun_in_task() { run(forgets_to_await()); }
task<> fails_before(task<>) {
  co_await yield();
  throw std::runtime_error("the parameter's turn never comes");
}
void begun() {
  (void)run(as_result(fails_before(greets())));
  auto one = greets();
  auto other = std::move(one);
  run(std::move(other));
  try {
    const auto unwound = greets();
    throw std::runtime_error("a task is unwound with its owner");
  } catch (const std::runtime_error&) {}
  const shared_task<> not_needed(greets());
  loop ends_first;
  detach([]() -> task<> {
    event never;
    auto later = greets();
    co_await never.wait();
    co_await std::move(later);
  });
}

// ---- errors that reach no waiter

task<> gives_up(promise<int>& asked) {
  auto answer = with_timeout(asked.get_future(), 1ms);
  (void)co_await as_result(std::move(answer));
}
void settle_too_late(error failure) {
  promise<int> asked;
  run(gives_up(asked));
  asked.set_error(std::move(failure));
}
void unseen() {
  for (int n = 0; n < 2; ++n) settle_too_late(std::make_error_code(std::errc::io_error));
}
async_generator<int> fails_behind(event& gate) {
  co_yield 1;
  co_await gate.wait();
  throw std::runtime_error("the second half is gone");
}
async_generator<int> goes_on() {
  for (int n = 0;; ++n) {
    co_yield n;
    co_await yield();
  }
}
void unseen_in_merge() {
  run([]() -> task<> {
    event gate;
    {
      auto both = merge(fails_behind(gate), goes_on());
      for (int n = 0; n < 3; ++n) (void)co_await both.next();
      gate.set();
      for (int n = 0; n < 1; ++n) co_await yield();
    }
    for (int n = 0; n < 5; ++n) co_await yield();
  });
}
void seen() {
  settle_too_late(std::make_error_code(std::errc::operation_canceled));
  promise<int> asked;
  auto answer = asked.get_future();
  asked.set_error(std::make_error_code(std::errc::io_error));
  (void)run(as_result(std::move(answer)));
  {
    promise<int> dropped;
    run(gives_up(dropped));
  }
  loop here;
  here.on_unhandled_error([](const error&) {});
  (void)spawn([]() -> task<> {
    co_await yield();
    throw std::runtime_error("the handler of unhandled errors gets this one");
  });
  here.run();
}

// ---- sleeping under a lock

task<> pauses() { co_await sleep_for(1ms); }
task<> sleeps_under(mutex& door) {
  const auto lock = co_await door.lock();
  for (int n = 0; n < 2; ++n) co_await sleep_for(1ms);
}
task<> pauses_under(mutex& door) {
  const auto lock = co_await door.lock();
  co_await pauses();
}
task<> unlocks_and_sleeps(mutex& door) {
  {
    const auto lock = co_await door.lock();
    co_await yield();
  }
  co_await sleep_for(1ms);
}
void sleep_in_task() {
  mutex door;
  run(sleeps_under(door));
}
void sleep_in_child() {
  mutex door;
  run(pauses_under(door));
}
void sleep_in_fiber() {
  mutex door;
  run(in_fiber([&] {
    const auto lock = await(door.lock());
    await(sleep_for(1ms));
  }));
}
void sleep_for_a_beat() {
  mutex door;
  run([&]() -> task<> {
    const auto lock = co_await door.lock();
    interval ticks(1ms);
    co_await ticks.next();
  });
}
void sleep_while_others_wait() {
  mutex door;
  run(when_all(sleeps_under(door), unlocks_and_sleeps(door)));
}
void no_sleep_under_lock() {
  mutex door;
  run(when_all(unlocks_and_sleeps(door), unlocks_and_sleeps(door), unlocks_and_sleeps(door)));
  run([&]() -> task<> {
    {
      const auto lock = co_await door.lock();
      co_await with_timeout(yield(), 1s);
      co_await when_any(yield(), sleep_for(1s));
      (void)co_await as_result(with_timeout(sleep_for(1h), 1ms));
    }
    auto lock = co_await door.lock();
    lock.unlock();
    co_await pauses();
    once loading;
    co_await loading.call([] { return pauses(); });
  });
}

// ---- two threads

task<> locks(mutex& door) { const auto lock = co_await door.lock(); }
void mutex_on_two_loops() {
  mutex door;
  loop here;
  here.run(locks(door));
  for (int n = 0; n < 2; ++n) std::thread([&] { run(locks(door)); }).join();
}
void mutex_on_one_loop_after_another() {
  mutex door;
  run(locks(door));
  run(locks(door));
  std::thread([&] { run(locks(door)); }).join();
}
class alarm_clock : public timer_base {
 public:
  alarm_clock() : timer_base(on_end) {}

 private:
  static void on_end(operation_base&, completion) {}
};
void timer_on_another_loop() {
  loop here;
  alarm_clock rings;
  const async_frame frame(nullptr, std::source_location::current());
  const auto at = here.now() + 1ms;
  std::thread([&] {
    here.operations().add(rings, at, [&] { return &frame; });  // a race, but for the join
  }).join();
  here.run();
}

const std::map<std::string, void (*)()> cases{
    {"begun", begun},
    {"held_at_end", held_at_end},
    {"held_by_fiber", held_by_fiber},
    {"held_by_handler", held_by_handler},
    {"held_by_post", held_by_post},
    {"held_until_await", held_until_await},
    {"mutex_on_one_loop_after_another", mutex_on_one_loop_after_another},
    {"mutex_on_two_loops", mutex_on_two_loops},
    {"no_sleep_under_lock", no_sleep_under_lock},
    {"not_held", not_held},
    {"not_held_on_virtual_time", not_held_on_virtual_time},
    {"seen", seen},
    {"sleep_for_a_beat", sleep_for_a_beat},
    {"sleep_in_child", sleep_in_child},
    {"sleep_in_fiber", sleep_in_fiber},
    {"sleep_in_task", sleep_in_task},
    {"sleep_while_others_wait", sleep_while_others_wait},
    {"timer_on_another_loop", timer_on_another_loop},
    {"unbegun", unbegun},
    {"unbegun_in_task", unbegun_in_task},
    {"unseen", unseen},
    {"unseen_in_merge", unseen_in_merge},
};

}  // namespace

int main(int, char** words) {
  cases.at(words[1])();
  std::puts("lived on");
}
