// Consumers of a queue, and what its owner does to it.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "braid/messaging/queue.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/explore.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"

namespace {

using namespace braid;
using namespace std::chrono_literals;
using messaging::delivery;
using messaging::queue;

void in_one_world(unique_function<task<>()> program) {
  sim::world here(1);
  here.run(program());
}

task<> ends(future<void> what) {
  auto ending = as_result(std::move(what));
  const result<void> ended = co_await std::move(ending);
  CHECK((!ended && ended.error() == std::errc::operation_canceled));
}

}  // namespace

TEST_CASE("queue: consume acknowledges, retries, limits and renews", "[messaging][queue][sim]") {
  in_one_world([]() -> task<> {
    queue jobs = co_await queue::open("/jobs");
    co_await jobs.make_group("all", {.attempts = 3, .lease = 10s});
    int running = 0, most = 0;
    std::string handled;
    const auto handle = [&](delivery& job) -> task<> {
      most = std::max(most, ++running);
      handled += job.body() + std::to_string(job.attempt()) + ' ';
      const std::string body = job.body();
      if (body == "bad") {
        --running;
        throw std::runtime_error("it is bad");
      }
      if (body == "own") co_await job.nack(1h, "by itself");
      auto working = as_result(sleep_for(body == "long" ? 100s : body == "slow" ? 1h : 1s));
      const result<void> worked = co_await std::move(working);
      --running;
      if (!worked) worked.error().rethrow();
    };
    auto consuming = spawn(jobs.consume(
        "all", handle, {.concurrency = 3, .time_limit = 10min, .base = 1s, .cap = 3s, .seed = 7}));
    for (const char* const body : {"long", "bad", "slow", "own", "good", "good"}) co_await jobs.send(body);
    co_await sleep_for(99s);
    CHECK((handled.find("long1") != std::string::npos && handled.find("long2") == std::string::npos));
    const auto now = co_await jobs.metrics();
    CHECK((most == 3 && now.groups[0].acknowledged == 2));
    co_await jobs.check();
    const auto first_dead = co_await jobs.dead_letters("all");
    CHECK((first_dead.size() == 1 && first_dead[0].failures.size() == 3));
    CHECK(first_dead[0].failures[2].reason == "it is bad");
    co_await sleep_for(2h);
    const auto dead = co_await jobs.dead_letters("all");
    // The slow one, too; "own" has refused itself three times.
    CHECK((dead.size() >= 2 && dead[1].failures[0].reason.find("Timed out") != std::string::npos));
    co_await jobs.check();
    consuming.request_stop();
    co_await ends(std::move(consuming));
    CHECK(running == 0);
    co_await jobs.close();
  });
}

TEST_CASE("queue: a consumer that is stopped gives back what it has, without an attempt",
          "[messaging][queue][sim]") {
  in_one_world([]() -> task<> {
    queue jobs = co_await queue::open("/jobs");
    co_await jobs.make_group("all");
    for (const char* const body : {"one", "two", "three"}) co_await jobs.send(body, {.key = "k"});
    const auto never = [](delivery&) -> task<> { co_await sleep_for(24h * 365); };
    for (int round = 0; round != 3; ++round) {
      auto consuming = spawn(jobs.consume("all", never, {.concurrency = 2}));
      co_await sleep_for(1min);
      auto now = co_await jobs.metrics();
      CHECK(now.groups[0].leased == 1);
      consuming.request_stop();
      co_await ends(std::move(consuming));
      now = co_await jobs.metrics();
      CHECK((now.groups[0].ready == 3 && now.groups[0].failures == 0));
      co_await jobs.check();
    }
    delivery one = co_await jobs.receive("all");
    CHECK((one.body() == "one" && one.attempt() == 1));
    co_await one.ack();
    auto consuming = spawn(jobs.consume("all", never));
    co_await sleep_for(1s);
    co_await jobs.close();  // while a handler runs
    auto ending = as_result(std::move(consuming));
    const result<void> ended = co_await std::move(ending);
    CHECK((!ended && ended.error() == make_error_code(messaging::errc::queue_closed)));
    queue again = co_await queue::open("/jobs");
    delivery two = co_await again.receive("all");
    CHECK((two.body() == "two" && two.attempt() == 1));
    co_await again.close();
  });
}

TEST_CASE("queue: pause, resume and drain", "[messaging][queue][sim]") {
  in_one_world([]() -> task<> {
    {
      queue jobs = co_await queue::open("/jobs");
      co_await jobs.make_group("all", {.lease = 1s});
      co_await jobs.pause("all");
      co_await jobs.send("one");
      co_await jobs.close();
    }
    queue jobs = co_await queue::open("/jobs");
    auto waiting = spawn(jobs.receive("all"));
    co_await sleep_for(1min);
    CHECK_FALSE(waiting.is_ready());
    co_await jobs.resume("all");
    delivery one = co_await std::move(waiting);
    CHECK(one.body() == "one");
    const auto begun = loop_clock::now();
    const bool too_early = co_await jobs.drain(begun + 500ms);
    CHECK_FALSE(too_early);
    auto sending = as_result(jobs.send("late"));
    const auto refused = co_await std::move(sending);
    CHECK((!refused && refused.error() == make_error_code(messaging::errc::queue_closed)));
    auto draining = spawn(jobs.drain(begun + 1h));
    co_await one.ack();
    const bool drained = co_await std::move(draining);
    CHECK((drained && loop_clock::now() < begun + 1min));
    co_await jobs.close();
  });
}

TEST_CASE("queue: dead letters are redriven and purged, by filter and at a rate", "[messaging][queue][sim]") {
  in_one_world([]() -> task<> {
    {
      queue jobs = co_await queue::open("/jobs", {.most_messages = 10});
      co_await jobs.make_group("all", {.attempts = 1});
      for (int i = 0; i != 10; ++i) {
        const std::string body = std::to_string(i);
        co_await jobs.send(body, {.key = i < 5 ? "low" : "high"});
        delivery one = co_await jobs.receive("all");
        co_await one.nack(0s, i % 2 == 0 ? "it was even" : "it was odd");
      }
      co_await jobs.check();
      const auto begun = loop_clock::now();
      const std::size_t even =
          co_await jobs.redrive("all", {.reason = "even", .at_most = 4, .per_second = 2});
      CHECK((even == 4 && loop_clock::now() - begun >= 1500ms));
      const std::size_t purged = co_await jobs.purge("all", {.key = "low", .reason = "odd"});
      const auto now = co_await jobs.metrics();
      CHECK((purged == 2 && now.messages == 8));
      auto dead = co_await jobs.dead_letters("all");
      const std::uint64_t last = dead.back().id;
      const std::size_t one = co_await jobs.redrive("all", {.id = last});
      dead = co_await jobs.dead_letters("all");
      CHECK((one == 1 && dead.size() == 3));
      co_await jobs.check();
      co_await jobs.close();
    }
    queue jobs = co_await queue::open("/jobs");
    co_await jobs.check();
    const auto now = co_await jobs.metrics();
    auto dead = co_await jobs.dead_letters("all");
    CHECK((dead.size() == 3 && now.groups[0].ready == 5));
    delivery first = co_await jobs.receive("all");
    CHECK((first.body() == "0" && first.attempt() == 1));
    co_await first.nack(0s, "again");
    const std::size_t all = co_await jobs.redrive("all");
    dead = co_await jobs.dead_letters("all");
    CHECK((all == 4 && dead.empty()));
    co_await jobs.check();
    co_await jobs.close();
  });
}

TEST_CASE("queue: an acknowledgement and what it sends happen together or not at all",
          "[messaging][queue][sim]") {
  in_one_world([]() -> task<> {
    queue jobs = co_await queue::open("/jobs", {.most_messages = 1});
    co_await jobs.make_group("all");
    co_await jobs.send("first");
    delivery first = co_await jobs.receive("all");
    const messaging::outgoing two[] = {{"second"}, {"third", {.idempotency_key = "i"}}};
    const auto ids = co_await first.ack_and_send(two);  // beyond the bound
    auto now = co_await jobs.metrics();
    CHECK((ids.size() == 2 && now.messages == 2));
    auto again = as_result(first.ack_and_send(two));
    const auto refused = co_await std::move(again);
    CHECK((!refused && refused.error() == make_error_code(messaging::errc::stale_token)));
    auto full = as_result(jobs.try_send("x"));
    const auto no_room = co_await std::move(full);
    CHECK((!no_room && no_room.error() == make_error_code(messaging::errc::queue_full)));
    delivery second = co_await jobs.receive("all");
    const auto none = co_await second.ack_and_send(std::span(two).subspan(1));  // sent before
    now = co_await jobs.metrics();
    CHECK((none[0] == ids[1] && now.messages == 1));
    co_await jobs.check();
    co_await jobs.close();
  });
  const auto program = [](sim::world& here) {
    bool crashed = false;
    const auto runs = [&](sim::host&) -> task<> {
      if (std::exchange(crashed, true)) co_return;
      queue jobs = co_await queue::open("/jobs");
      co_await jobs.make_group("all");
      co_await jobs.send("before");
      delivery one = co_await jobs.receive("all");
      const messaging::outgoing next[] = {{"after"}};
      (void)co_await one.ack_and_send(next);
      co_await sleep_for(1h);
    };
    const sim::disk_options slow{.least_latency = 10us, .most_latency = 10us};
    sim::host& at = here.add_host("disk", {.program = runs, .disk = slow});
    here.run_for(200us + static_cast<int>(here.draws().among(25)) * 10us);
    here.crash(at);
    here.restart(at);
    const auto look = [&]() -> task<> {
      queue jobs = co_await queue::open("/jobs");
      co_await jobs.check();
      const auto now = co_await jobs.metrics();
      if (now.messages == 0) co_return;
      if (now.messages != 1) throw std::runtime_error("there are both");
    };
    here.run_on(at, look());
  };
  sim::explore(60, program);
}
