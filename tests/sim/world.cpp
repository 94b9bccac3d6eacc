#include "braid/sim/world.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/interval.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::contains;

namespace {

constexpr loop_clock::time_point start_of_time{};

task<int> answer_after(loop_clock::duration time) {
  co_await sleep_for(time);
  co_return 42;
}

// Records in which order three ready tasks run.
task<void> three_ready(std::string& order) {
  const auto one = [](std::string& in, char name) -> task<void> {
    co_await nop();
    in += name;
  };
  co_await when_all(one(order, 'a'), one(order, 'b'), one(order, 'c'));
}

TEST_CASE("world: an hour's sleep ends at once and takes an hour of the world's time", "[sim][world]") {
  sim::world here(1);
  CHECK(here.run(answer_after(1h)) == 42);
  CHECK(here.now() - start_of_time == 1h);
}

TEST_CASE("world: three sleeps take 95 ms in order and 65 ms at once", "[sim][world]") {
  const auto in_order = []() -> task<void> {
    co_await sleep_for(10ms);
    co_await sleep_for(20ms);
    co_await sleep_for(65ms);
  };
  sim::world one(0), other(0);
  one.run(in_order());
  CHECK(one.now() - start_of_time == 95ms);
  other.run(when_all(sleep_for(10ms), sleep_for(20ms), sleep_for(65ms)));
  CHECK(other.now() - start_of_time == 65ms);
}

TEST_CASE("world: runs every style", "[sim][world]") {
  sim::world here(3);
  here.add_host("local");
  CHECK(here.run(in_fiber([] {
    await(sleep_for(5ms));
    return await(answer_after(5ms));
  })) == 42);
  CHECK(here.run([] { return spawn(answer_after(5ms)).then([](int n) { return n + 1; }); }) == 43);
  CHECK(here.now() - start_of_time == 15ms);
}

TEST_CASE("world: run throws the operation's error", "[sim][world]") {
  sim::world here(0);
  CHECK_THROWS_AS(here.run(with_timeout(sleep_for(1h), 1s)), std::system_error);
  CHECK(here.now() - start_of_time == 1s);
  here.run(sleep_for(1s));  // the world goes on
}

TEST_CASE("world: an operation that can never end is an error", "[sim][world]") {
  sim::world here(77);
  promise<void> never;
  CHECK_THROWS_WITH(here.run(never.get_future()), contains("seed 77"));
}

TEST_CASE("world: endless work is an error after a number of steps", "[sim][world]") {
  sim::world here({.most_steps = 10'000});
  const auto forever = []() -> task<void> {
    for (;;) co_await sleep_for(1ns);
  };
  CHECK_THROWS_AS(here.run(forever()), sim::stuck);
}

TEST_CASE("world: time passes for code that spins", "[sim][world]") {
  sim::world here(0);
  bool over = false;
  const auto spin = [&]() -> task<void> {
    while (!over) co_await yield();
  };
  const auto end = [&]() -> task<void> {
    co_await sleep_for(1ms);
    over = true;
  };
  here.run(when_all(spin(), end()));
  CHECK(here.now() - start_of_time == 1ms);
}

TEST_CASE("world: the order of ready work is random, the same for the same seed", "[sim][world]") {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::string first, second;
    sim::world one(seed), other(seed);
    one.run(three_ready(first));
    other.run(three_ready(second));
    CHECK(first == second);
    CHECK(one.trace_hash() == other.trace_hash());
    ++seen[first];
  }
  CHECK(seen.size() == 6);
}

TEST_CASE("world: the trace has each event with its time and host", "[sim][world]") {
  sim::world here({.seed = 5, .keeps_trace = true});
  here.run([]() -> task<void> {
    co_await sleep_for(1500ms);
    co_await nop();
  });
  REQUIRE_FALSE(here.trace().empty());
  CHECK_THAT(here.trace().back(), contains("1.500000000 s local"));
}

TEST_CASE("world: each host has its own clock", "[sim][world]") {
  sim::world here(0);
  sim::host& ahead = here.add_host("ahead", {.clock_offset = 10s});
  sim::host& fast = here.add_host("fast", {.clock_rate = 2});
  const auto asked = [] { return just_from([] { return loop_clock::now(); }); };
  CHECK(here.run_on(ahead, asked()) - start_of_time == 10s);
  here.run_on(fast, sleep_for(2s));
  CHECK(here.now() - start_of_time >= 1s);
  CHECK(here.now() - start_of_time < 1s + 10ns);
  CHECK(here.run_on(fast, asked()) - start_of_time >= 2s);
  CHECK_THROWS_AS(here.add_host("ahead"), std::invalid_argument);
  CHECK_THROWS_AS(here.add_host("still", {.clock_rate = 0}), std::invalid_argument);
}

TEST_CASE("world: a host's clock may be behind or slow", "[sim][world]") {
  sim::world here(0);
  sim::host& behind = here.add_host("behind", {.clock_offset = -10s});
  sim::host& slow = here.add_host("slow", {.clock_rate = 0.3});
  here.run_on(behind, sleep_for(1s));
  CHECK(here.now() - start_of_time == 1s);
  here.run_on(slow, sleep_for(3s));
  CHECK(slow.now() - start_of_time >= 3s);
  here.run_on(slow, sleep_until(loop_clock::time_point(24h * 365)));
  CHECK(slow.now() - start_of_time >= 24h * 365);
}

TEST_CASE("world: a stop request reaches a request that a fault delays", "[sim][world]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    sim::world here(seed);
    here.faults().add({.what = sim::fault::late, .nth = 1, .only = opcode::accept, .delay = 1s});
    const auto waiting = []() -> task<void> {
      tcp::listener at = co_await tcp::listen(endpoint("127.0.0.1", 0));
      const auto none = co_await as_result(with_timeout(at.accept(), 500ms));
      CHECK_FALSE(none);
    };
    here.run(waiting());
  }
}

TEST_CASE("world: a run works after a failed one", "[sim][world]") {
  sim::world here(0);
  here.after(1s, [] { throw std::runtime_error("broken"); });
  CHECK_THROWS_WITH(here.run_for(10s), "broken");
  here.run_for(20s);
  CHECK(here.now() - start_of_time == 21s);
}

TEST_CASE("world: ignores what a host does while it crashes", "[sim][world]") {
  sim::world here(0);
  int ends = 0, starts = 0;
  sim::host& mine = here.add_host("mine", {.program = [&](sim::host& self) -> task<void> {
                                    if (++starts == 2) co_return;
                                    const auto ended = co_await as_result(sleep_for(1h));
                                    CHECK_FALSE(ended);
                                    ++ends;
                                    self.within().restart(self);
                                    throw std::runtime_error("wrapped");
                                  }});
  here.after(1s, [&] { here.crash(mine); });
  here.run_for(10s);
  CHECK(ends == 1);
  CHECK(starts == 2);
  CHECK(mine.up());
}

TEST_CASE("world: work made ready on a sleeping host runs", "[sim][world]") {
  sim::world here(0);
  sim::host& sleeper = here.add_host("sleeper");
  bool ran = false;
  here.run_for(1s);
  here.after(1s, [&] {
    const current_loop_scope there(&sleeper.its_loop());
    start(yield(), [&](result<void>) { ran = true; });
  });
  here.run_for(2s);
  CHECK(ran);
}

TEST_CASE("world: a crash and a restart that a host requests happen in this order", "[sim][world]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    sim::world here(seed);
    int starts = 0;
    sim::host& mine = here.add_host("mine", {.program = [&](sim::host& self) -> task<void> {
                                      if (++starts == 2) co_return;
                                      self.within().crash(self);
                                      self.within().restart(self);
                                    }});
    here.run_for(1s);
    CHECK(mine.up());
    CHECK(starts == 2);
  }
}

TEST_CASE("world: a host's program runs at its start and at each restart, and ends with its power",
          "[sim][world]") {
  sim::world here(0);
  int starts = 0, beats = 0;
  sim::host& server = here.add_host("server", {.program = [&](sim::host&) -> task<void> {
                                      ++starts;
                                      interval ticks(1s);
                                      for (;;) {
                                        co_await ticks.next();
                                        ++beats;
                                      }
                                    }});
  here.after(3500ms, [&] { here.crash(server); });
  here.run_for(10s);
  CHECK(starts == 1);
  CHECK(beats == 3);
  CHECK_FALSE(server.up());
  CHECK_THROWS_AS(server.its_loop(), std::logic_error);
  here.restart(server);
  here.run_for(2500ms);
  CHECK(starts == 2);
  CHECK(beats == 5);
}

TEST_CASE("world: a host may crash itself", "[sim][world]") {
  sim::world here(0);
  bool went_on = false;
  sim::host& mine = here.add_host("mine", {.program = [&](sim::host& self) -> task<void> {
                                    self.within().crash(self);
                                    co_await sleep_for(1s);
                                    went_on = true;
                                  }});
  here.run_until_idle();
  CHECK_FALSE(mine.up());
  CHECK_FALSE(went_on);
}

TEST_CASE("world: an error that no host handles ends the run", "[sim][world]") {
  sim::world here(0);
  here.add_host("broken", {.program = [](sim::host&) -> task<void> {
                  co_await sleep_for(1s);
                  throw std::runtime_error("broken");
                }});
  CHECK_THROWS_WITH(here.run(sleep_for(1h)), "broken");
  CHECK(here.now() - start_of_time == 1s);
}

TEST_CASE("world: blocking work runs without a thread", "[sim][world]") {
  sim::world here(0);
  const auto mine = std::this_thread::get_id();
  CHECK(here.run(offload([] { return std::this_thread::get_id(); })) == mine);
  CHECK_FALSE(here.run(offload([] { return loop::current_or_null() != nullptr; })));
}

TEST_CASE("world: cannot be run within itself", "[sim][world]") {
  sim::world here(0);
  CHECK_THROWS_AS(here.run([&]() -> task<void> {
    here.run_for(1s);
    co_return;
  }),
                  std::logic_error);
}

TEST_CASE("world: the destructor cancels running work", "[sim][world]") {
  int ended = 0;
  {
    sim::world here(0);
    here.add_host("one", {.program = [&](sim::host&) -> task<void> {
                    struct at_end {
                      int& count;
                      ~at_end() { ++count; }
                    } counts{ended};
                    co_await sleep_for(1h);
                  }});
    here.run_for(1s);
  }
  CHECK(ended == 1);
}

}  // namespace
