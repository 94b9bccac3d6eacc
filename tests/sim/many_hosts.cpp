#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/interval.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/mutex.hpp"
#include "braid/sync/select.hpp"
#include "braid/sync/watch.hpp"
#include "catch.hpp"

using namespace braid;
using namespace std::chrono_literals;

// A sleeping host wakes up for whatever it waits for, even if that happens outside of its turns. A world must
// not notice how many other hosts there are.

namespace {

constexpr loop_clock::time_point start_of_time{};

// A host that sleeps until the test wakes it, among others that always sleep.
struct sleeper_among_others {
  explicit sleeper_among_others(std::uint64_t seed) : world(seed) {
    for (int i = 0; i < 10; ++i) world.add_host("before " + std::to_string(i));
    sleeper = &world.add_host("sleeper");
    other = &world.add_host("other");
    world.run_for(1s);
  }
  // Begins the operation on the sleeper, which then sleeps.
  template <class S>
  void wait_for(S&& op) {
    const current_loop_scope there(&sleeper->its_loop());
    start(std::forward<S>(op), [this](auto) { woke = world.now() - start_of_time; });
  }
  // Lets the other host call f() at 5 s, and do something else later.
  template <class F>
  void other_does_at_5s(F f) {
    const auto doing = [](F what) -> task<void> {
      co_await sleep_for(4s);
      what();
      co_await sleep_for(1h);
    };
    world.run_on(*other, doing(std::move(f)));
  }

  sim::world world;
  sim::host* sleeper;
  sim::host* other;
  std::optional<loop_clock::duration> woke;
};

TEST_CASE("many hosts: a promise settled by another host wakes a sleeping host at once", "[sim][world]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    sleeper_among_others here(seed);
    promise<void> settled;
    here.wait_for(settled.get_future());
    here.other_does_at_5s([&] { settled.set_value(); });
    CHECK(here.woke == 5s);
  }
}

TEST_CASE("many hosts: a post from another host wakes a sleeping host at once", "[sim][world]") {
  sleeper_among_others here(1);
  std::optional<loop_clock::duration> ran;
  loop& its = here.sleeper->its_loop();
  here.other_does_at_5s([&] { its.post([&] { ran = here.world.now() - start_of_time; }); });
  CHECK(ran == 5s);
}

TEST_CASE("many hosts: a stop request from another host wakes a sleeping host at once", "[sim][world]") {
  sleeper_among_others here(2);
  stop_source stop;
  here.wait_for(as_result(with_stop_token(sleep_for(10h), stop.get_token())));
  here.other_does_at_5s([&] { stop.request_stop(); });
  CHECK(here.woke == 5s);
}

TEST_CASE("many hosts: a coroutine that moves from another host wakes a sleeping host at once",
          "[sim][world]") {
  sleeper_among_others here(3);
  loop& its = here.sleeper->its_loop();
  bool was_there = false;
  const auto visit = [&]() -> task<void> {
    co_await sleep_for(4s);
    co_await resume_on(its);
    was_there = loop::current_or_null() == &its;
  };
  here.world.run_on(*here.other, visit());
  CHECK(was_there);
  CHECK(here.world.now() - start_of_time == 5s);
}

TEST_CASE("many hosts: a script's action wakes a sleeping host at once", "[sim][world]") {
  const auto woken_by = [](auto wait, auto happens) {
    sleeper_among_others here(4);
    wait(here);
    here.world.after(4s, [&] { happens(here); });
    here.world.run_for(1h);
    return here.woke;
  };
  event set;
  CHECK(woken_by([&](auto& here) { here.wait_for(set.wait()); }, [&](auto&) { set.set(); }) == 5s);
  promise<void> settled;
  CHECK(woken_by([&](auto& here) { here.wait_for(settled.get_future()); },
                 [&](auto&) { settled.set_value(); }) == 5s);
  std::optional<interval> ticks;
  CHECK(woken_by(
            [&](auto& here) {
              const current_loop_scope there(&here.sleeper->its_loop());
              ticks.emplace(30min);
              here.wait_for(ticks->next());
            },
            [&](auto& here) {
              const current_loop_scope there(&here.sleeper->its_loop());
              ticks->reset(loop_clock::after(2s));
            }) == 7s);
  // The operation begins while the host sleeps, on a loop that was looked up long before.
  loop* its = nullptr;
  CHECK(woken_by([&](auto& here) { its = &here.sleeper->its_loop(); },
                 [&](auto& here) {
                   const current_loop_scope there(its);
                   start(sleep_for(3s), [&](auto) { here.woke = here.world.now() - start_of_time; });
                 }) == 8s);
}

TEST_CASE("many hosts: an action between two runs wakes a sleeping host in the next one", "[sim][world]") {
  sleeper_among_others here(5);
  event set;
  here.wait_for(set.wait());
  here.world.run_for(1s);
  CHECK_FALSE(here.woke);
  set.set();
  here.world.run_for(1s);
  CHECK(here.woke == 2s);
}

TEST_CASE("many hosts: a thread's post before a run wakes a sleeping host", "[sim][world]") {
  sleeper_among_others here(6);
  bool ran = false;
  loop& its = here.sleeper->its_loop();
  here.world.run_for(1s);
  std::thread([&] { its.post([&] { ran = true; }); }).join();
  here.world.run_until_idle();
  CHECK(ran);
}

TEST_CASE("many hosts: an object shared with another host wakes a sleeping host at once", "[sim][world]") {
  const auto woken_by = [](auto op, auto does) {
    sleeper_among_others here(7);
    here.wait_for(std::move(op));
    here.other_does_at_5s(does);
    here.world.run_until_idle();
    return here.woke;
  };
  event set, other;
  CHECK(woken_by(set.wait(), [&] { set.set(); }) == 5s);
  set.reset();
  CHECK(woken_by(select(set.wait(), other.wait(), sleep_for(1h)), [&] { set.set(); }) == 5s);
  channel<int> numbers(0);
  CHECK(woken_by(numbers.receive(), [&] { CHECK(numbers.try_send(1)); }) == 5s);
  CHECK(woken_by(numbers.send(1), [&] { CHECK(numbers.try_receive() == 1); }) == 5s);
  CHECK(woken_by(numbers.receive(), [&] { numbers.close(); }) == 5s);
  mutex door;
  auto lock = std::make_optional(run(door.lock()));
  CHECK(woken_by(door.lock(), [&] { lock.reset(); }) == 5s);
  watch<int> latest(1);
  auto reader = latest.read();
  run(reader.receive());
  CHECK(woken_by(reader.receive(), [&] { latest.set(2); }) == 5s);
  promise<void> settled;
  CHECK(woken_by(settled.get_future(), [&] { settled.set_value(); }) == 5s);
  stop_source stop;
  CHECK(woken_by(with_stop_token(sleep_for(1h), stop.get_token()), [&] { stop.request_stop(); }) == 5s);
  interval ticks(2h);
  CHECK(woken_by(ticks.next(), [&] { ticks.reset(loop_clock::after(1s)); }) == 6s);
}

TEST_CASE("many hosts: a crashing host hands what it held over to a waiter on another host", "[sim][world]") {
  sleeper_among_others here(10);
  mutex door;
  const auto hold = [&]() -> task<void> {
    const auto held = co_await door.lock();
    co_await sleep_for(24h);
  };
  {
    const current_loop_scope there(&here.other->its_loop());
    detach(hold());
  }
  here.world.run_for(1s);
  here.wait_for(door.lock());
  here.world.after(3s, [&] { here.world.crash(*here.other); });
  here.world.run_until_idle();
  CHECK(here.woke == 5s);
}

TEST_CASE("many hosts: a crash takes a host's timers, and a restart gives new ones", "[sim][world]") {
  sim::world here(8);
  for (int i = 0; i < 10; ++i) here.add_host("idle " + std::to_string(i));
  std::vector<loop_clock::duration> beats;
  sim::host& beating = here.add_host("beating", {.program = [&](sim::host&) -> task<void> {
                                       for (;;) {
                                         co_await sleep_for(2s);
                                         beats.push_back(here.now() - start_of_time);
                                       }
                                     }});
  here.after(5s, [&] { here.crash(beating); });
  here.after(10s, [&] { here.restart(beating); });
  here.after(13s, [&] { here.crash(beating); });
  here.after(13s, [&] { here.crash(beating); });
  here.run_until_idle();
  CHECK(beats == std::vector<loop_clock::duration>{2s, 4s, 12s});
  CHECK(here.now() - start_of_time == 13s);
}

TEST_CASE("many hosts: idle hosts do not change the order of the busy ones", "[sim][world]") {
  const auto run = [](int idle) {
    sim::world here(9);
    std::vector<sim::host*> busy;
    for (int i = 0; i < 4; ++i) {
      busy.push_back(&here.add_host("busy " + std::to_string(i)));
      if (i == 1)
        for (int k = 0; k < idle; ++k) here.crash(here.add_host("idle " + std::to_string(k)));
    }
    std::string order;
    const auto some_yields = [&](char name) -> task<void> {
      for (int i = 0; i < 20; ++i) {
        co_await yield();
        order += name;
        if (i % 7 == 3) co_await sleep_for(1ms);
      }
    };
    char name = 'a';
    for (sim::host* each : busy) {
      const current_loop_scope there(&each->its_loop());
      detach(some_yields(name++));
    }
    here.run_until_idle();
    return order;
  };
  const std::string alone = run(0);
  CHECK(alone.size() == 80);
  CHECK(run(100) == alone);
}

TEST_CASE("many hosts: a look-up finds the first host of a name or address", "[sim][world]") {
  sim::world here(10);
  sim::host& first = here.add_host("first");
  sim::host& second = here.add_host("second");
  CHECK(here.find("first") == &first);
  CHECK(here.find("10.0.0.2") == &second);
  CHECK(here.find("third") == nullptr);
  CHECK_THROWS_AS(here.add_host("10.0.0.2"), std::invalid_argument);
}

}  // namespace
