// What every engine of a queue does for consumers and for the queue's owner, and what engines do whose queue
// several programs may open.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/spawn.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "conformance.hpp"
#include "conformance_support.hpp"

namespace braid_tests {

using namespace braid;
using namespace std::chrono_literals;
using messaging::delivery;
using messaging::delivery_failure;
using messaging::group_metrics;
using messaging::queue;

namespace {

task<> stops(future<void> consuming) {
  consuming.request_stop();
  auto ending = as_result(std::move(consuming));
  const result<void> ended = co_await std::move(ending);
  CHECK((!ended && ended.error() == std::errc::operation_canceled));
}

task<> bounds_hold(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, {.lease = 1h}, {.most_messages = 2, .most_bytes = 100});
  const std::string body(60, 'x');
  (void)co_await jobs.send(body);
  std::error_code why = co_await failure_of(jobs.try_send(body));
  CHECK(why == messaging::errc::queue_full);
  stop_source stop;
  auto leaves = spawn(with_stop_token(jobs.send(body), stop.get_token()));
  auto waits = spawn(jobs.send(body));
  const std::function<task<bool>()> has_sent = [&]() -> task<bool> {
    const auto now = co_await jobs.metrics();
    co_return now.sent == 2;
  };
  for (int i = 0; i != 20; ++i) {
    const auto now = co_await jobs.metrics();
    CHECK((now.messages == 1 && now.refused == 1));
  }
  CHECK_FALSE((leaves.is_ready() || waits.is_ready()));
  stop.request_stop();
  auto leaving = as_result(std::move(leaves));
  const auto left = co_await std::move(leaving);
  CHECK(left.error() == std::errc::operation_canceled);
  (void)co_await take_one(jobs);
  (void)co_await std::move(waits);
  co_await eventually(has_sent);
  (void)co_await jobs.try_send("small");
  why = co_await failure_of(jobs.try_send(""));
  CHECK(why == messaging::errc::queue_full);
  auto no_room = spawn(jobs.send("no room"));
  co_await yield();
  co_await jobs.close();
  auto ending = as_result(std::move(no_room));
  const auto unsent = co_await std::move(ending);
  CHECK((!unsent && unsent.error() == make_error_code(messaging::errc::queue_closed)));
}

task<> dead_letters_keep_reasons(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, {.attempts = 3, .lease = 1h});
  const std::string long_reason(600, 'r');
  const std::uint64_t id = co_await jobs.send("bad", {.key = "k"});
  (void)co_await jobs.send("good", {.key = "k"});
  delivery one = co_await jobs.receive("all");
  co_await one.nack(1ms, "the first");
  delivery two = co_await jobs.receive("all");
  co_await two.extend(1ms);  // its lease ends
  delivery three = co_await jobs.receive("all");
  CHECK((three.id() == id && three.attempt() == 3));
  co_await three.nack(1h, long_reason);
  const auto dead = co_await jobs.dead_letters("all");
  CHECK((dead.size() == 1 && dead[0].id == id && dead[0].key == "k" && dead[0].bytes == 3));
  CHECK((dead[0].attempts == 3 && dead[0].failures.size() == 3));
  const delivery_failure how[] = {delivery_failure::refused, delivery_failure::expired,
                                  delivery_failure::refused};
  for (std::size_t i = 0; i != 3; ++i)
    CHECK((dead[0].failures[i].how == how[i] && dead[0].failures[i].attempt == i + 1));
  CHECK((dead[0].failures[0].reason == "the first" && dead[0].failures[2].reason.size() == 500));
  CHECK(dead[0].failures[0].at >= dead[0].sent_at);
  const std::string next = co_await take_one(jobs);
  CHECK(next == "good");
  const group_metrics now = co_await counts_of(jobs);
  CHECK((now.dead == 1 && now.buried == 1 && now.failures == 3 && now.oldest));
  const std::error_code why = co_await failure_of(jobs.dead_letters("none"));
  CHECK(why == messaging::errc::unknown_group);
  co_await jobs.check();
  co_await jobs.close();
}

task<> dead_letters_are_handled(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, {.attempts = 1, .lease = 1h});
  for (int i = 0; i != 10; ++i) {
    const std::string body = std::to_string(i);
    (void)co_await jobs.send(body, {.key = i < 5 ? "low" : "high"});
    delivery one = co_await jobs.receive("all");
    co_await one.nack(0s, i % 2 == 0 ? "it was even" : "it was odd");
  }
  co_await jobs.check();
  const std::size_t even = co_await jobs.redrive("all", {.reason = "even", .at_most = 4, .per_second = 1000});
  CHECK(even == 4);
  const std::size_t purged = co_await jobs.purge("all", {.key = "low", .reason = "odd"});
  auto now = co_await jobs.metrics();
  CHECK((purged == 2 && now.messages == 8));
  auto dead = co_await jobs.dead_letters("all");
  CHECK(dead.size() == 4);
  const std::size_t one = co_await jobs.redrive("all", {.id = dead.back().id});
  dead = co_await jobs.dead_letters("all");
  CHECK((one == 1 && dead.size() == 3));
  co_await jobs.check();
  delivery first = co_await jobs.receive("all");
  CHECK((first.body() == "0" && first.attempt() == 1));
  co_await first.nack(0s, "again");
  const std::size_t all = co_await jobs.redrive("all");
  dead = co_await jobs.dead_letters("all");
  CHECK((all == 4 && dead.empty()));
  std::vector<std::string> rest;
  for (int i = 0; i != 8; ++i) rest.push_back(co_await take_one(jobs));
  std::sort(rest.begin(), rest.end());
  CHECK(rest == std::vector<std::string>{"0", "2", "4", "5", "6", "7", "8", "9"});
  co_await jobs.check();
  now = co_await jobs.metrics();
  CHECK((now.messages == 0 && now.bytes == 0));
  co_await jobs.close();
}

task<> consumers_acknowledge_and_retry(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, {.attempts = 3, .lease = 2s});
  int running = 0, most = 0, settled = 0;
  event open;
  const auto handle = [&](delivery& job) -> task<> {
    most = std::max(most, ++running);
    const std::string body = job.body();
    if (body == "own") co_await job.ack();
    if (body == "good") co_await open.wait();  // until three run
    if (most == 3) open.set();
    --running;
    ++settled;
    if (body == "bad") throw std::runtime_error("it is bad");
  };
  const messaging::consume_options how{.concurrency = 3, .base = 1ms, .cap = 2ms, .seed = 7};
  auto consuming = spawn(jobs.consume("all", handle, how));
  for (const char* const body : {"good", "good", "bad", "own", "good", "bad"}) (void)co_await jobs.send(body);
  const std::function<task<bool>()> is_done = [&]() -> task<bool> {
    const group_metrics now = co_await counts_of(jobs);
    co_return now.ready + now.delayed + now.leased == 0;
  };
  co_await eventually(is_done);
  co_await stops(std::move(consuming));
  const auto dead = co_await jobs.dead_letters("all");
  CHECK((dead.size() == 2 && dead[0].attempts == 3 && dead[0].failures[2].reason == "it is bad"));
  CHECK((running == 0 && most == 3 && settled == 10));
  co_await jobs.check();
  co_await jobs.close();
}

task<> consumers_keep_leases_and_limits(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, {.attempts = 2, .lease = 600ms});
  bool is_slow = true;
  const auto handle = [&](delivery& job) -> task<> {
    const auto time = job.body() == "long" ? 700ms : 1h;
    if (is_slow) co_await sleep_for(time);
  };
  (void)co_await jobs.send("long");
  auto consuming = spawn(jobs.consume("all", handle));
  const std::function<task<bool>()> is_done = [&]() -> task<bool> {
    const group_metrics now = co_await counts_of(jobs);
    co_return now.acknowledged == 1;
  };
  co_await eventually(is_done);
  group_metrics now = co_await counts_of(jobs);
  CHECK((now.deliveries == 1 && now.failures == 0));  // though it took longer than a lease
  co_await stops(std::move(consuming));
  (void)co_await jobs.send("stuck");
  auto limited = spawn(jobs.consume("all", handle, {.time_limit = 1ms, .base = 0s}));
  const std::function<task<bool>()> is_dead = [&]() -> task<bool> {
    const auto dead = co_await jobs.dead_letters("all");
    co_return dead.size() == 1;
  };
  co_await eventually(is_dead);
  co_await stops(std::move(limited));
  const auto dead = co_await jobs.dead_letters("all");
  CHECK(dead[0].failures[0].reason.find("Timed out") != std::string::npos);
  co_await jobs.close();
}

task<> stopped_consumer_burns_no_attempt(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, {.attempts = 1, .lease = 1h});
  for (const char* const body : {"one", "two", "three"}) (void)co_await jobs.send(body, {.key = "k"});
  const auto never = [](delivery&) -> task<> { co_await sleep_for(24h); };
  const std::function<task<bool>()> is_leased = [&]() -> task<bool> {
    const group_metrics now = co_await counts_of(jobs);
    co_return now.leased == 1;
  };
  for (int round = 0; round != 3; ++round) {
    auto consuming = spawn(jobs.consume("all", never, {.concurrency = 2}));
    co_await eventually(is_leased);
    co_await stops(std::move(consuming));
    const group_metrics now = co_await counts_of(jobs);
    CHECK((now.ready == 3 && now.leased == 0 && now.failures == 0));
    co_await jobs.check();
  }
  delivery one = co_await jobs.receive("all");
  CHECK((one.body() == "one" && one.attempt() == 1));
  co_await one.ack();
  auto consuming = spawn(jobs.consume("all", never));
  co_await eventually(is_leased);
  co_await jobs.close();  // while a handler runs
  auto ending = as_result(std::move(consuming));
  const result<void> ended = co_await std::move(ending);
  CHECK((!ended && ended.error() == make_error_code(messaging::errc::queue_closed)));
  queue again = co_await opens({});
  delivery two = co_await again.receive("all");
  CHECK((two.body() == "two" && two.attempt() == 1));
  co_await again.close();
}

task<> pauses_and_resumes(const queue_opener& opens) {
  {
    queue jobs = co_await open_with_all(opens, {.lease = 1h});
    co_await jobs.pause("all");
    (void)co_await jobs.send("one");
    co_await jobs.close();
  }
  queue jobs = co_await opens({});
  auto waiting = spawn(jobs.receive("all"));
  for (int i = 0; i != 10; ++i) {
    const group_metrics now = co_await counts_of(jobs);
    CHECK((now.ready == 1 && now.deliveries == 0));
  }
  CHECK_FALSE(waiting.is_ready());
  co_await jobs.resume("all");
  delivery one = co_await std::move(waiting);
  CHECK(one.body() == "one");
  const std::error_code why = co_await failure_of(jobs.pause("none"));
  CHECK(why == messaging::errc::unknown_group);
  co_await one.ack();
  co_await jobs.close();
}

task<> drains(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, {.lease = 1h});
  (void)co_await jobs.send("one");
  delivery one = co_await jobs.receive("all");
  const bool too_early = co_await jobs.drain(loop_clock::now() + 1ms);
  CHECK_FALSE(too_early);
  const std::error_code why = co_await failure_of(jobs.send("late"));
  CHECK(why == messaging::errc::queue_closed);
  auto draining = spawn(jobs.drain(loop_clock::now() + 1h));
  co_await one.nack(0s);
  const std::string body = co_await take_one(jobs);
  const bool drained = co_await std::move(draining);
  CHECK((drained && body == "one"));
  co_await jobs.close();
}

// Producers and consumers whose handlers fail, by a fixed sequence: each message is acknowledged once, and
// those of a key in order.
task<> many_at_a_time(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, {.attempts = 1000, .lease = 1h}, {.most_messages = 30});
  std::map<char, int> last;
  int handled = 0, calls = 0;
  const auto handle = [&](delivery& job) -> task<> {
    const std::string body = job.body();
    if (++calls % 7 == 3) co_await yield();
    if (calls % 5 == 1) throw std::runtime_error("once more");
    const int number = std::stoi(body.substr(1));
    if (body[0] != '-') CHECK(number == ++last[body[0]]);
    ++handled;
  };
  const auto sends = [&](char key) -> task<> {
    for (int i = 1; i <= 30; ++i) {
      const std::string body = key + std::to_string(i);
      const std::string_view its_key(body.data(), key == '-' ? 0 : 1);
      (void)co_await jobs.send(body, {.key = its_key, .priority = i % 3});
    }
  };
  const messaging::consume_options how{.concurrency = 5, .base = 0s};
  auto consuming = spawn(jobs.consume("all", handle, how));
  auto sending = when_all(sends('a'), sends('b'), sends('-'));
  co_await std::move(sending);
  const bool drained = co_await jobs.drain(loop_clock::now() + 1h);
  CHECK((drained && handled == 90));
  co_await stops(std::move(consuming));
  co_await jobs.check();
  const auto now = co_await jobs.metrics();
  CHECK((now.messages == 0 && now.sent == 90 && now.groups[0].acknowledged == 90));
  co_await jobs.close();
}

// ---- several queues over the same messages --------------------------------------------------------------

task<> wakes_another_one(const queue_opener& opens) {
  queue here = co_await open_with_all(opens, {.attempts = 5, .lease = 1h}, {.most_messages = 1});
  queue there = co_await opens({.most_messages = 1});
  auto waiting = spawn(there.receive("all"));
  (void)co_await here.send("one");
  delivery one = co_await std::move(waiting);
  auto no_room = spawn(here.send("two"));
  co_await yield();
  co_await one.ack();
  (void)co_await std::move(no_room);
  co_await here.pause("all");
  auto paused = spawn(there.receive("all"));
  co_await yield();
  co_await here.resume("all");
  delivery two = co_await std::move(paused);
  CHECK((two.body() == "two" && two.attempt() == 1));
  co_await there.close();  // gives it back, and the other one gets it
  delivery again = co_await here.receive("all");
  CHECK((again.body() == "two" && again.attempt() == 1 && again.token() > two.token()));
  const std::error_code why = co_await failure_of(two.ack());
  CHECK(why == messaging::errc::queue_closed);
  co_await again.ack();
  co_await here.check();
  co_await here.close();
}

task<> takes_over_from_a_lost_one(const queue_opener& opens) {
  queue here = co_await open_with_all(opens, {.attempts = 5, .lease = 20ms});
  queue there = co_await opens({});
  for (const char* const body : {"a1", "a2"}) (void)co_await here.send(body, {.key = "a"});
  delivery stuck = co_await there.receive("all");
  co_await here.make_group("all", {.attempts = 5, .lease = 1h});
  delivery again = co_await here.receive("all");  // once the lease of the other one has ended
  CHECK((stuck.body() == "a1" && again.body() == "a1" && again.attempt() == 2));
  const std::error_code why = co_await failure_of(stuck.ack());
  CHECK(why == messaging::errc::stale_token);
  co_await again.ack();
  const std::string next = co_await take_one(there);
  CHECK(next == "a2");
  co_await there.close();
  co_await here.check();
  co_await here.close();
}

}  // namespace

std::span<const queue_case> owner_cases() {
  static constexpr std::array all{
      queue_case{"bounds hold", bounds_hold},
      queue_case{"dead letters keep their reasons", dead_letters_keep_reasons},
      queue_case{"dead letters are redriven and purged", dead_letters_are_handled},
      queue_case{"consumers acknowledge and retry", consumers_acknowledge_and_retry},
      queue_case{"consumers keep leases and limits", consumers_keep_leases_and_limits},
      queue_case{"a stopped consumer burns no attempt", stopped_consumer_burns_no_attempt},
      queue_case{"pauses and resumes", pauses_and_resumes},
      queue_case{"drains", drains},
      queue_case{"many at a time", many_at_a_time},
  };
  return all;
}

std::span<const queue_case> shared_cases() {
  static constexpr std::array all{
      queue_case{"a queue wakes another one", wakes_another_one},
      queue_case{"a queue takes over from a lost one", takes_over_from_a_lost_one},
  };
  return all;
}

}  // namespace braid_tests
