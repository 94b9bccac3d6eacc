// The samples of docs/phrasebook.md: sharing state among the tasks of a loop.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sample.hpp"

using namespace braid;

namespace {

// [plain]
task<int> no_lock_between_awaits() {
  int hits = 0;
  const auto visit = [&]() -> task<> {
    co_await fetch("page");
    ++hits;  // one thread: nothing comes in between, and no atomic is needed
  };
  co_await when_all(visit, visit, visit);
  co_return hits;
}
// [/plain]

// [mutex]
task<int> lock_across_awaits() {
  mutex turn;
  int balance = 100;
  const auto withdraw = [&](int amount) -> task<> {
    const auto mine = co_await turn.lock();  // waiting here stops no thread; unlocks at the end of the block
    const int before = balance;
    co_await sleep_for(10ms);
    balance = before - amount;
  };
  co_await when_all(withdraw(30), withdraw(50));
  co_return balance;
}
// [/mutex]

// [readers]
task<std::string> many_readers_one_writer() {
  shared_mutex door;
  std::string text = "old";
  auto writing = co_await door.lock();
  text = "new";
  const auto reading = std::move(writing).downgrade();  // no writer comes in between
  const auto other = co_await door.lock_shared();  // together with the other reader
  co_return text;
}
// [/readers]

// [semaphore]
task<int> at_most_two() {
  semaphore connections(2);
  int open = 0, most = 0;
  const auto use_one = [&]() -> task<> {
    const auto one_of_two = co_await connections.acquire();  // acquire(n): n permits, all at once
    most = std::max(most, ++open);
    co_await fetch("page");
    --open;
  };
  co_await when_all(use_one, use_one, use_one, use_one);
  co_return most;
}
// [/semaphore]

// [notify]
task<int> one_wake_up_each() {
  auto_reset_event changed;
  int rounds = 0;
  const auto follow = [&]() -> task<> {
    for (; rounds < 2; ++rounds) co_await changed.wait();  // one round for each set()
  };
  const auto change = [&]() -> task<> {
    for (int n = 0; n < 2; ++n) {
      changed.set();
      co_await sleep_for(1ms);
    }
  };
  co_await when_all(follow, change);
  co_return rounds;
}
// [/notify]

// [condition]
task<std::string> until_it_is_true() {
  mutex door;
  condition_variable changed;
  std::vector<std::string> jobs;
  const auto work = [&]() -> task<std::string> {
    auto lock = co_await door.lock();
    co_await changed.wait(lock, [&] { return !jobs.empty(); });
    co_return jobs.back();
  };
  const auto bring = [&]() -> task<> {
    const auto lock = co_await door.lock();
    jobs.push_back("a job");
    changed.notify_one();
  };
  auto [done, nothing] = co_await when_all(work, bring);
  co_return done;
}
// [/condition]

// [barrier]
task<int> phases() {
  barrier phase(2);
  int led = 0;
  const auto worker = [&](std::chrono::milliseconds takes) -> task<> {
    for (int round = 0; round < 3; ++round) {
      co_await sleep_for(takes);
      if (co_await phase.arrive_and_wait()) ++led;  // true for one of the two
    }
  };
  co_await when_all(worker(1ms), worker(10ms));
  co_return led;
}
// [/barrier]

// [latch]
task<int> wait_for_a_count() {
  latch loaded(2);
  int parts = 0;
  const auto load = [&]() -> task<> {
    co_await fetch("part");
    ++parts;
    loaded.count_down();
  };
  const auto begin = [&]() -> task<int> {
    co_await loaded.wait();
    co_return parts;
  };
  auto [one, two, all] = co_await when_all(load, load, begin);
  co_return all;
}
// [/latch]

// [only_once]
task<int> load_once() {
  once loading;
  int loads = 0;
  const auto load = [&]() -> task<> {
    co_await sleep_for(10ms);
    ++loads;
  };
  co_await when_all(loading.call(load), loading.call(load));  // the second waits until the first has loaded
  co_return loads;
}
// [/only_once]

// [rate]
task<int> hundred_a_second() {
  rate_limiter limit(100, 10);  // a second; at most ten at once
  int asked = 0;
  for (; asked < 20; ++asked) co_await limit.acquire();
  co_return asked;
}
// [/rate]

}  // namespace

int main() {
  samples all;
  all.expect("plain", no_lock_between_awaits(), 3, 10ms);
  all.expect("mutex", lock_across_awaits(), 20, 20ms);
  all.expect("readers", many_readers_one_writer(), "new");
  all.expect("semaphore", at_most_two(), 2, 20ms);
  all.expect("notify", one_wake_up_each(), 2, 2ms);
  all.expect("condition", until_it_is_true(), "a job");
  all.expect("barrier", phases(), 3, 30ms);
  all.expect("latch", wait_for_a_count(), 2, 10ms);
  all.expect("only_once", load_once(), 1, 10ms);
  all.expect("rate", hundred_a_second(), 20, 100ms);
  return all.failures();
}
