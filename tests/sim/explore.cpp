#include "braid/sim/explore.hpp"

#include <chrono>
#include <cstdlib>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "braid/combine/when_all.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

using namespace braid;
using namespace std::chrono_literals;

namespace {

// Reads, waits, writes: an update is lost if both tasks read before either writes.
task<void> deposit(int& account, int waits) {
  const int before = account;
  for (int i = 0; i < waits; ++i) co_await nop();
  account = before + 1;
}

// Each task waits before it begins, so the order decides whether they overlap.
void two_deposits(sim::world& here) {
  int account = 0;
  const auto one = [](int& in) -> task<void> {
    co_await nop();
    co_await deposit(in, 1);
  };
  here.run(when_all(one(account), one(account)));
  if (account != 2) throw std::runtime_error("an update was lost");
}

TEST_CASE("explore: runs every seed if none fails, the same way twice", "[sim][explore]") {
  const auto program = [](sim::world& here) { here.run(when_all(nop(), sleep_for(1ms), nop())); };
  const sim::explored first = sim::explore(100, program), second = sim::explore(100, program);
  CHECK(first.runs == 100);
  CHECK(first.steps > 300);
  CHECK(first.steps == second.steps);
  CHECK(first.trace_hash == second.trace_hash);
}

TEST_CASE("explore: stops at the first seed that fails", "[sim][explore]") {
  int runs = 0;
  CHECK_THROWS_WITH(sim::explore(1000,
                                 [&](sim::world& here) {
                                   ++runs;
                                   if (here.options().seed == 17) throw std::runtime_error("seventeen");
                                 }),
                    "seventeen");
  CHECK(runs == 18);
}

TEST_CASE("explore: BRAID_SIM_SEED replays one seed", "[sim][explore]") {
  std::set<std::uint64_t> seeds;
  const auto program = [&](sim::world& here) { seeds.insert(here.options().seed); };
  ::setenv("BRAID_SIM_SEED", "1234", 1);
  CHECK(sim::explore(3, program).runs == 1);
  CHECK(seeds == std::set<std::uint64_t>{1234});
  for (const char* bad : {"", "x", "-1", "1x", "99999999999999999999"}) {
    ::setenv("BRAID_SIM_SEED", bad, 1);
    CHECK_THROWS_AS(sim::explore(3, program), std::invalid_argument);
  }
  ::unsetenv("BRAID_SIM_SEED");
}

TEST_CASE("explore: finds a lost update", "[sim][explore]") {
  CHECK_THROWS_WITH(sim::explore(1000, two_deposits), "an update was lost");
}

TEST_CASE("exhaust: runs each order once", "[sim][explore]") {
  std::map<std::string, int> seen;
  const sim::explored all = sim::exhaust([&](sim::world& here) {
    std::string order;
    const auto one = [](std::string& in, char name) -> task<void> {
      co_await nop();
      in += name;
    };
    here.run(when_all(one(order, 'a'), one(order, 'b'), one(order, 'c')));
    ++seen[order];
  });
  CHECK(all.runs == 6);
  CHECK(seen.size() == 6);
  CHECK(seen["cba"] == 1);
}

TEST_CASE("exhaust: finds the order that loses an update", "[sim][explore]") {
  CHECK_THROWS_WITH(sim::exhaust(two_deposits), "an update was lost");
}

TEST_CASE("exhaust: refuses too many orders", "[sim][explore]") {
  const auto many = [](sim::world& here) { here.run(when_all(nop(), nop(), nop(), nop(), nop())); };
  CHECK_THROWS_AS(sim::exhaust(many, {}, 20), std::length_error);
  CHECK(sim::exhaust(many).runs == 120);
}

}  // namespace
