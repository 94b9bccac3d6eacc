// The queue where the power fails, syncs fail, and the disk is full.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/messaging/queue.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/explore.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "catch.hpp"
#include "sanitized.hpp"

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using messaging::delivery;
using messaging::queue;
using messaging::queue_options;

void must_hold(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

// The time of day that a test's host would show.
std::chrono::system_clock::time_point world_time() noexcept {
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(loop_clock::now().time_since_epoch()) +
      1h);
}

// What the users of a queue know. A body begins with its key, a letter.
struct users {
  std::set<std::string> begun;            // sends that may have been written
  std::map<std::uint64_t, std::string> sent;  // those that have ended
  std::set<std::uint64_t> acks_begun, acked;
  std::map<std::uint64_t, std::uint32_t> attempts;  // as the last delivery said
  std::map<std::uint64_t, std::uint64_t> tokens;
  std::map<char, std::uint64_t> last_of_key;  // the last one acknowledged
  int bodies = 0;
};

task<> send_one(queue& to, users& all, char key) {
  const std::string body = key + std::to_string(++all.bodies);
  const std::string_view its_key(body.data(), 1);
  all.begun.insert(body);
  const std::uint64_t id = co_await to.send(body, {.key = its_key});
  all.sent[id] = body;
}

// What each delivery must be.
void note_delivery(const delivery& one, users& all) {
  must_hold(all.begun.count(one.body()) != 0, "a message was invented");
  must_hold(one.key() == one.body().substr(0, 1), "a message has another one's key");
  must_hold(all.acked.count(one.id()) == 0, "a finished message was delivered");
  must_hold(one.attempt() > all.attempts[one.id()], "an attempt was not counted");
  must_hold(one.token() > all.tokens[one.id()], "a token was given twice");
  all.attempts[one.id()] = one.attempt();
  all.tokens[one.id()] = one.token();
  const char key = one.body()[0];
  const auto last = all.last_of_key.find(key);
  must_hold(last == all.last_of_key.end() || last->second < one.id(), "a key is out of order");
  for (const auto& [id, body] : all.sent)
    must_hold(body[0] != key || id >= one.id() || all.acks_begun.count(id) != 0,
              "the head of a key was passed");
}

task<> ack_one(delivery& one, users& all) {
  all.acks_begun.insert(one.id());
  co_await one.ack();
  all.acked.insert(one.id());
  all.last_of_key[one.body()[0]] = one.id();
}

task<> work(users& all, queue_options how) {
  queue jobs = co_await queue::open("/jobs", how);
  co_await jobs.make_group("all", {.attempts = 100});
  auto two = when_all(send_one(jobs, all, 'a'), send_one(jobs, all, 'a'), send_one(jobs, all, 'b'));
  co_await std::move(two);
  delivery first = co_await jobs.receive("all");
  note_delivery(first, all);
  co_await jobs.check();
  co_await first.nack(0s, "once more");
  delivery second = co_await jobs.receive("all");
  note_delivery(second, all);
  auto ending = when_all(ack_one(second, all), send_one(jobs, all, 'b'));
  co_await std::move(ending);
  delivery third = co_await jobs.receive("all");
  note_delivery(third, all);
  co_await jobs.check();
  co_await ack_one(third, all);
  co_await jobs.check();
  co_await sleep_for(1h);
}

// Opens the queue after a crash, and works on all that it has.
task<> look_after_crash(users& all, queue_options how) {
  queue jobs = co_await queue::open("/jobs", how);
  must_hold(jobs.recovery().damaged.empty(), "a crash looks like damage");
  co_await jobs.check();
  auto now = co_await jobs.metrics();
  must_hold(now.messages <= all.begun.size(), "there are more messages than were sent");
  if (now.groups.empty()) {
    must_hold(all.sent.empty(), "the group is lost");
    co_return;
  }
  std::set<std::uint64_t> found;
  while (now.groups.front().ready != 0) {
    delivery one = co_await jobs.receive("all");
    note_delivery(one, all);
    must_hold(found.insert(one.id()).second, "a message was delivered twice");
    co_await ack_one(one, all);
    co_await jobs.check();
    now = co_await jobs.metrics();
  }
  for (const auto& [id, body] : all.sent)
    must_hold(found.count(id) != 0 || all.acks_begun.count(id) != 0, "a message is lost");
  must_hold(now.messages == 0, "a message is left");
  co_await jobs.close();
}

}  // namespace

TEST_CASE("queue: a power failure at any moment loses nothing acknowledged, and invents nothing",
          "[messaging][queue][sim]") {
  const bool loses_unsynced = GENERATE(true, false);
  const queue_options how{.segment_bytes = 500, .time_of_day = world_time};
  const auto program = [&](sim::world& here) {
    users all;
    bool crashed = false;
    const auto runs = [&](sim::host&) -> task<> {
      if (!crashed) co_await work(all, how);
    };
    const sim::disk_options slow{
        .least_latency = 10us, .most_latency = 10us, .loses_unsynced = loses_unsynced};
    sim::host& at = here.add_host("disk", {.program = runs, .disk = slow});
    here.run_for(static_cast<int>(here.draws().among(60)) * 10us);
    here.crash(at);
    crashed = true;
    here.restart(at);
    here.run_on(at, look_after_crash(all, how));
    here.crash(at);
    here.restart(at);
    users nothing;
    const auto is_empty = [&]() -> task<> {
      queue jobs = co_await queue::open("/jobs", how);
      co_await jobs.check();
      const auto now = co_await jobs.metrics();
      must_hold(now.messages == 0, "a finished message is back");
    };
    here.run_on(at, is_empty());
  };
  // With BRAID_TEST_POWER=long in the environment every moment, with every way to lose or tear what was
  // written.
  const char* const asked = std::getenv("BRAID_TEST_POWER");
  if (asked != nullptr && std::string(asked) == "long")
    CHECK(sim::exhaust(program).runs >= 60);
  else
    sim::explore(sanitized ? 40 : 200, program);
}

TEST_CASE("queue: a full disk refuses what needs room, changes nothing, and goes on",
          "[messaging][queue][sim]") {
  const std::uint64_t room = GENERATE(range(1100, 4000, 173));
  CAPTURE(room);
  const auto scenario = []() -> task<> {
    const queue_options how{.segment_bytes = 1000, .time_of_day = world_time};
    users all;
    {
      queue jobs = co_await queue::open("/jobs", how);
      co_await jobs.make_group("all");
      bool is_full = false;
      while (!is_full) {
        const auto before = co_await jobs.metrics();
        auto sending = as_result(send_one(jobs, all, 'a'));
        const result<void> sent = co_await std::move(sending);
        co_await jobs.check();
        is_full = !sent;
        if (is_full) all.begun.erase("a" + std::to_string(all.bodies));
        if (is_full) must_hold(sent.error() == std::errc::no_space_on_device, "it fails for another reason");
        const auto now = co_await jobs.metrics();
        if (is_full) must_hold(now.messages == before.messages, "a refused message is there");
      }
      auto receiving = as_result(jobs.receive("all"));
      const auto received = co_await std::move(receiving);
      must_hold(received || received.error() == std::errc::no_space_on_device,
                "receive fails for another reason");
      co_await jobs.check();
    }
    queue jobs = co_await queue::open("/jobs", how);
    co_await jobs.check();
    const auto now = co_await jobs.metrics();
    must_hold(now.messages == all.sent.size(), "the queue has another number of messages");
  };
  sim::world here(1);
  sim::host& at =
      here.add_host("disk", {.disk = {.least_latency = 10us, .most_latency = 10us, .capacity_bytes = room}});
  here.run_on(at, scenario());
}

// Producers and consumers, and whatever the seed draws: crashes, syncs that fail, a disk without room.
TEST_CASE("queue: whatever goes wrong, nothing acknowledged is lost, and each key keeps its order",
          "[messaging][queue][sim]") {
  const queue_options how{.segment_bytes = 3000, .time_of_day = world_time};
  const auto program = [&](sim::world& here) {
    const auto all = std::make_shared<users>();
    for (const auto& [what, only] : std::vector<std::pair<sim::fault, opcode>>{
             {sim::fault::io_error, opcode::fsync}, {sim::fault::no_space, opcode::write}})
      here.faults().add({.what = what, .probability = 0.01, .only = only});
    here.faults().add({.what = sim::fault::short_write, .probability = 0.2, .only = opcode::write});
    const auto produces = [&here, all](queue& to) -> task<> {
      for (bool goes_on = true; goes_on;) {
        auto one = as_result(send_one(to, *all, static_cast<char>('a' + here.draws().among(3))));
        const result<void> done = co_await std::move(one);
        goes_on = done || done.error() == std::errc::no_space_on_device;
        const auto pause = here.draws().between(0ms, 2ms);
        co_await sleep_for(pause);
      }
    };
    const auto consumes = [&here, all](queue& from) -> task<> {
      for (bool goes_on = true; goes_on;) {
        auto one = as_result(from.receive("all"));
        result<delivery> got = co_await std::move(one);
        co_await from.check();
        goes_on = got || got.error() == std::errc::no_space_on_device;
        if (!got) continue;
        note_delivery(*got, *all);
        const auto pause = here.draws().between(0ms, 12ms);
        co_await sleep_for(pause);  // at times longer than its lease
        const bool acks = here.draws().among(4) != 0;
        auto outcome = as_result(acks ? ack_one(*got, *all) : got->nack(pause, "why not"));
        const result<void> ended = co_await std::move(outcome);
        co_await from.check();
      }
    };
    bool lives_on = true;
    const auto lives = [&, all](sim::host&) -> task<> {
      if (!lives_on) co_return;
      auto opening = as_result(queue::open("/jobs", how));
      result<queue> opened = co_await std::move(opening);
      if (!opened) co_return;
      queue jobs = std::move(opened).value();
      must_hold(jobs.recovery().damaged.empty(), "damage without a cause");
      co_await jobs.check();
      auto making = as_result(jobs.make_group("all", {.attempts = 1'000'000, .lease = 10ms}));
      const result<void> made = co_await std::move(making);
      if (!made) co_return;
      auto four = when_all(produces(jobs), produces(jobs), consumes(jobs), consumes(jobs));
      co_await std::move(four);
    };
    sim::host& at = here.add_host(
        "disk",
        {.program = lives, .disk = {.least_latency = 10us, .most_latency = 100us, .sync_latency = 1ms}});
    for (int crashes = 0; crashes != 4; ++crashes) {
      here.run_for(here.draws().between(0ms, 60ms));
      here.crash(at);
      here.restart(at);
    }
    here.crash(at);
    here.faults().clear();
    lives_on = false;
    here.restart(at);
    here.run_on(at, look_after_crash(*all, how));
  };
  sim::explore(sanitized ? 15 : 60, program);
}
