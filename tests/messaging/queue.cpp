#include "braid/messaging/queue.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using messaging::delivery;
using messaging::delivery_failure;
using messaging::group_options;
using messaging::queue_options;

// [queue_sample]
task<> make_thumbnails(const std::filesystem::path& directory) {
  messaging::queue jobs = co_await messaging::queue::open(directory);
  co_await jobs.make_group("thumbnails", {.attempts = 3, .lease = 1min});
  co_await jobs.send("picture 7", {.key = "user 12"});  // on the device now

  delivery job = co_await jobs.receive("thumbnails");  // the attempt is counted, on the device
  if (job.attempt() == 1)
    co_await job.nack(0s, "the picture is not there yet");  // again, at once
  else
    co_await job.ack();

  delivery again = co_await jobs.receive("thumbnails");
  std::cout << again.body() << ", attempt " << again.attempt() << '\n';
  co_await again.ack();
  co_await jobs.close();
}
// [/queue_sample]

// Runs a program in a world of its own, whose time is virtual.
void in_a_world(unique_function<task<>()> program) {
  sim::world here(1);
  here.run(program());
}

// The bodies of what is ready, each acknowledged.
task<std::string> take_all(messaging::queue& from, std::string group) {
  std::string all;
  for (;;) {
    const auto now = co_await from.metrics();
    if (now.groups.front().ready == 0) break;
    delivery one = co_await from.receive(group);
    all += one.body() + ' ';
    co_await one.ack();
    co_await from.check();
  }
  co_return all;
}

// The directory of a queue that was destroyed is free once its last steps have been taken.
task<messaging::queue> open_again(std::string directory, queue_options how = {}) {
  for (;;) {
    auto opening = as_result(messaging::queue::open(directory, how));
    result<messaging::queue> opened = co_await std::move(opening);
    if (opened || opened.error() != std::errc::device_or_resource_busy) co_return std::move(opened).value();
    co_await yield();
  }
}

task<messaging::queue> open_with_group(std::string directory, group_options how = {}, queue_options q = {}) {
  messaging::queue made = co_await open_again(directory, q);
  co_await made.make_group("all", how);
  co_return made;
}

template <class T>
bool failed_with(const result<T>& what, messaging::errc why) {
  return !what && what.error() == make_error_code(why);
}

}  // namespace

TEST_CASE("queue: the sample of docs/messaging.md", "[messaging][queue]") {
  const scratch_folder folder;
  run(make_thumbnails(folder / "jobs"));
  loop here;
  auto jobs = here.run(messaging::queue::open(folder / "jobs"));
  CHECK(here.run(jobs.metrics()).messages == 0);
  CHECK(jobs.recovery().damaged.empty());
  here.run(jobs.close());
}

TEST_CASE("queue: send, receive and ack in every style", "[messaging][queue]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  const scratch_folder folder;
  loop here;
  auto jobs = here.run(open_with_group(folder / "jobs"));
  const auto first = style.wait(jobs.send("one"));
  const auto second = style.wait(jobs.try_send("two", {.priority = 9}));
  REQUIRE((first && second));
  CHECK(*first < *second);
  auto job = style.wait(jobs.receive("all"));
  REQUIRE(job);
  CHECK(job->body() == "two");
  CHECK(job->id() == *second);
  CHECK(style.wait(job->extend(1h)));
  CHECK(style.wait(job->nack(0s, "later")));
  CHECK(failed_with(style.wait(job->ack()), messaging::errc::stale_token));
  auto again = style.wait(jobs.receive("all"));
  REQUIRE(again);
  CHECK(again->token() > job->token());
  CHECK(style.wait(again->ack()));
  CHECK(failed_with(style.wait(jobs.receive("none")), messaging::errc::unknown_group));
  CHECK(style.wait(jobs.check()));
  CHECK(style.wait(jobs.close()));
  CHECK(failed_with(style.wait(jobs.send("late")), messaging::errc::queue_closed));
}

TEST_CASE("queue: each group gets each message, also after it was opened again", "[messaging][queue]") {
  const scratch_folder folder;
  const auto program = [&]() -> task<> {
    const std::string directory = folder / "jobs", large(300'000, 'l');
    {
      auto jobs = co_await open_with_group(directory);
      const auto nobody = co_await as_result(jobs.receive("b"));
      CHECK(failed_with(nobody, messaging::errc::unknown_group));
      co_await jobs.make_group("b");
      const messaging::outgoing three[] = {{"one"}, {""}, {large}};
      const std::vector<std::uint64_t> ids = co_await jobs.send_all(three);
      CHECK((ids.size() == 3 && ids[0] < ids[1] && ids[1] < ids[2]));
      co_await jobs.make_group("late");
      delivery lost = co_await jobs.receive("b");
      CHECK(lost.body() == "one");
      delivery done = co_await jobs.receive("all");
      co_await done.ack();
      const auto now = co_await jobs.metrics();
      CHECK(now.messages == 3);
      co_await jobs.check();
    }  // without close: the process might have ended
    auto jobs = co_await open_again(directory);
    co_await jobs.check();
    CHECK(jobs.recovery().recovered == 1);
    const auto now = co_await jobs.metrics();
    const auto& counts = now.groups;
    CHECK((counts.size() == 3 && counts[0].ready == 2 && counts[1].ready == 3 && counts[2].ready == 0));
    delivery again = co_await jobs.receive("b");
    CHECK((again.body() == "one" && again.attempt() == 2));
    co_await again.ack();
    delivery empty = co_await jobs.receive("all");
    CHECK(empty.body().empty());
    delivery whole = co_await jobs.receive("all");
    CHECK(whole.body() == large);
    co_await jobs.close();  // gives them back
    auto third = co_await messaging::queue::open(directory);
    CHECK(third.recovery().recovered == 0);
    delivery first = co_await third.receive("all");
    CHECK(first.attempt() == 1);
    co_await third.close();
  };
  loop here;
  here.run(program());
}

TEST_CASE("queue: messages of a key are in order, and hold up no other key", "[messaging][queue][sim]") {
  in_a_world([]() -> task<> {
    auto jobs = co_await open_with_group("/jobs", {.attempts = 2});
    for (const char* const body : {"a1", "a2", "b1", "a3", "b2"}) {
      const std::string_view key(body, 1);
      co_await jobs.send(body, {.key = key, .priority = body[1] - '0'});
    }
    co_await jobs.send("free");
    delivery a1 = co_await jobs.receive("all"), b1 = co_await jobs.receive("all");
    CHECK((a1.body() == "a1" && b1.body() == "b1" && a1.key() == "a"));
    delivery free = co_await jobs.receive("all");
    CHECK((free.body() == "free" && free.key().empty()));
    const auto now = co_await jobs.metrics();
    CHECK(now.groups[0].ready == 3);
    stop_source stop;
    auto waiting = spawn(with_stop_token(jobs.receive("all"), stop.get_token()));
    co_await sleep_for(1s);
    CHECK_FALSE(waiting.is_ready());
    co_await b1.ack();
    delivery b2 = co_await std::move(waiting);
    CHECK(b2.body() == "b2");
    co_await a1.nack(10s);  // the key waits for its head
    delivery a1_again = co_await jobs.receive("all");
    CHECK(a1_again.body() == "a1");
    co_await a1_again.nack(10s);  // dead: the next one's turn
    co_await jobs.check();
    delivery a2 = co_await jobs.receive("all");
    CHECK(a2.body() == "a2");
    const auto dead = co_await jobs.dead_letters("all");
    CHECK(dead.size() == 1);
    co_await jobs.check();
    co_await jobs.make_group("all", {.key_limit = 2});
    delivery a3 = co_await jobs.receive("all");
    CHECK(a3.body() == "a3");
    co_await jobs.check();
    co_await jobs.close();
  });
}

TEST_CASE("queue: a higher priority goes first, and starves no lower one", "[messaging][queue][sim]") {
  in_a_world([]() -> task<> {
    auto jobs = co_await open_with_group("/jobs");
    for (int i = 0; i != 40; ++i) {
      co_await jobs.send("h", {.priority = 9});
      if (i < 3) co_await jobs.send("l");
    }
    const std::string all = co_await take_all(jobs, "all");
    CHECK(all.find('l') == 2 * 16);
    CHECK(all.find('l', 33) == 2 * 33);
    co_await jobs.close();
  });
}

TEST_CASE("queue: delays, leases and their ends", "[messaging][queue][sim]") {
  in_a_world([]() -> task<> {
    auto jobs = co_await open_with_group("/jobs", {.attempts = 4, .lease = 10s});
    const auto begun = loop_clock::now();
    const auto since = [begun] { return loop_clock::now() - begun; };
    co_await jobs.send("later", {.delay = 5s});
    auto now = co_await jobs.metrics();
    CHECK(now.groups[0].delayed == 1);
    delivery first = co_await jobs.receive("all");
    CHECK((since() >= 5s && since() < 6s));
    co_await sleep_for(9s);
    co_await first.extend(10s);
    co_await sleep_for(9s);
    auto waiting = spawn(jobs.receive("all"));
    co_await sleep_for(500ms);
    CHECK_FALSE(waiting.is_ready());
    delivery second = co_await std::move(waiting);  // the lease has ended
    CHECK((second.attempt() == 2 && since() >= 24s && since() < 25s));
    for (const bool acks : {true, false}) {
      auto late = as_result(acks ? first.ack() : first.extend(1s));
      const auto refused = co_await std::move(late);
      CHECK(failed_with(refused, messaging::errc::stale_token));
    }
    co_await jobs.check();
    co_await sleep_for(11s);
    auto too_late = as_result(second.ack());  // though nobody else has it
    const auto refused = co_await std::move(too_late);
    CHECK(failed_with(refused, messaging::errc::stale_token));
    {
      delivery dropped = co_await jobs.receive("all");
      CHECK(dropped.attempt() == 3);
    }
    now = co_await jobs.metrics();
    CHECK(now.groups[0].ready == 1);
    delivery fourth = co_await jobs.receive("all");
    co_await fourth.nack(1s, "x");
    const auto dead = co_await jobs.dead_letters("all");
    CHECK((dead.size() == 1 && dead[0].failures.size() == 4 && dead[0].attempts == 4));
    const delivery_failure how[] = {delivery_failure::expired, delivery_failure::expired,
                                    delivery_failure::dropped, delivery_failure::refused};
    for (std::size_t i = 0; i != 4; ++i) CHECK(dead[0].failures[i].how == how[i]);
    CHECK(dead[0].failures[3].reason == "x");
    now = co_await jobs.metrics();
    const auto& seen = now.groups[0];
    CHECK((seen.failures == 4 && seen.stale == 3 && seen.buried == 1 && seen.deliveries == 4));
    co_await jobs.close();
    auto again = co_await messaging::queue::open("/jobs");
    co_await again.check();
    const auto still = co_await again.dead_letters("all");
    CHECK((still.size() == 1 && still[0].failures.size() == 4 && still[0].failures[3].reason == "x"));
    co_await again.close();
  });
}

TEST_CASE("queue: a message that ends its process n times is a dead letter", "[messaging][queue][sim]") {
  in_a_world([]() -> task<> {
    for (int round = 0; round != 3; ++round) {
      auto jobs = co_await open_with_group("/jobs", {.attempts = 3});
      if (round == 0) co_await jobs.send("poison");
      delivery held = co_await jobs.receive("all");
      CHECK(held.attempt() == static_cast<std::uint32_t>(round + 1));
    }  // no outcome is written
    auto jobs = co_await open_again("/jobs");
    co_await jobs.send("good");
    delivery good = co_await jobs.receive("all");
    CHECK(good.body() == "good");
    const auto dead = co_await jobs.dead_letters("all");
    CHECK((dead.size() == 1 && dead[0].recoveries == 3 && dead[0].failures.size() == 3));
    for (const auto& each : dead[0].failures) CHECK(each.how == delivery_failure::lost);
    co_await jobs.check();
    co_await good.ack();
    co_await jobs.close();
  });
}

TEST_CASE("queue: a full queue lets send wait and refuses try_send", "[messaging][queue][sim]") {
  in_a_world([]() -> task<> {
    const queue_options small{.most_messages = 2, .most_bytes = 100, .most_message_bytes = 90};
    auto jobs = co_await open_with_group("/jobs", {}, small);
    const std::string body(60, 'x'), too_long(91, 'y');
    co_await jobs.send(body);
    for (const std::string& more : {body, too_long}) {
      auto trying = as_result(jobs.try_send(more));
      const auto refused = co_await std::move(trying);
      CHECK((more == body ? failed_with(refused, messaging::errc::queue_full)
                          : refused.error() == std::errc::message_size));
    }
    stop_source stop;
    auto leaves = spawn(with_stop_token(jobs.send(body), stop.get_token()));
    auto waits = spawn(jobs.send(body));
    auto small_one = spawn(jobs.send("z"));
    co_await sleep_for(1s);
    CHECK_FALSE((leaves.is_ready() || waits.is_ready() || small_one.is_ready()));
    stop.request_stop();
    auto leaving = as_result(std::move(leaves));
    const auto left = co_await std::move(leaving);
    CHECK(left.error() == std::errc::operation_canceled);
    auto now = co_await jobs.metrics();
    CHECK(now.messages == 1);
    delivery first = co_await jobs.receive("all");
    co_await first.ack();
    (void)co_await std::move(waits);
    (void)co_await std::move(small_one);
    now = co_await jobs.metrics();
    CHECK((now.messages == 2 && now.refused == 1));
    co_await jobs.check();
    // With smaller bounds it is overfull when it is opened, until enough is finished.
    co_await jobs.close();
    auto again = co_await messaging::queue::open("/jobs", {.most_messages = 1, .most_bytes = 61});
    auto later = spawn(again.send("later"));
    for (const bool has_room : {false, true}) {
      delivery one = co_await again.receive("all");
      co_await one.ack();
      co_await sleep_for(1s);
      CHECK(later.is_ready() == has_room);
    }
    (void)co_await std::move(later);
    // What waits ends with the queue.
    auto no_room = spawn(again.send("no room"));
    delivery last = co_await again.receive("all");
    auto no_message = spawn(again.receive("all"));
    co_await sleep_for(1s);
    co_await again.close();
    auto sending = as_result(std::move(no_room));
    const auto unsent = co_await std::move(sending);
    auto receiving = as_result(std::move(no_message));
    const auto none = co_await std::move(receiving);
    CHECK(failed_with(unsent, messaging::errc::queue_closed));
    CHECK(failed_with(none, messaging::errc::queue_closed));
  });
}

TEST_CASE("queue: a repeated idempotency key sends nothing within its window", "[messaging][queue][sim]") {
  in_a_world([]() -> task<> {
    const queue_options how{.segment_bytes = 600, .idempotency_window = 1min};
    std::uint64_t first = 0;
    {
      auto jobs = co_await open_with_group("/jobs", {}, how);
      auto both =
          when_all(jobs.send("one", {.idempotency_key = "k"}), jobs.send("two", {.idempotency_key = "k"}));
      const auto [one, two] = co_await std::move(both);
      CHECK(one == two);
      first = one;
      const messaging::outgoing three[] = {
          {"a", {.idempotency_key = "k"}}, {"b", {.idempotency_key = "m"}}, {"c", {.idempotency_key = "m"}}};
      const auto ids = co_await jobs.send_all(three);
      CHECK((ids[0] == first && ids[1] == ids[2] && ids[1] > first));
      auto now = co_await jobs.metrics();
      CHECK((now.messages == 2 && now.duplicates == 3));
      for (int i = 0; i != 40; ++i) {  // removes the files in which the keys stood
        co_await jobs.send("filler");
        const std::string taken = co_await take_all(jobs, "all");
      }
      now = co_await jobs.metrics();
      CHECK(now.file_bytes < 3000);
      co_await jobs.close();
    }
    auto jobs = co_await messaging::queue::open("/jobs", how);
    const std::uint64_t again = co_await jobs.send("one", {.idempotency_key = "k"});
    auto now = co_await jobs.metrics();
    CHECK((again == first && now.messages == 0));
    co_await sleep_for(61s);
    const std::uint64_t later = co_await jobs.send("one", {.idempotency_key = "k"});
    now = co_await jobs.metrics();
    CHECK((later > first && now.messages == 1));
    co_await jobs.close();
  });
}

TEST_CASE("queue: what is finished gives up its space, and one old message does not hold it",
          "[messaging][queue][sim]") {
  in_a_world([]() -> task<> {
    const queue_options how{.segment_bytes = 2000};
    auto jobs = co_await open_with_group("/jobs", {.attempts = 9, .lease = 1h}, how);
    const std::string body(100, 'x');
    co_await jobs.send("old", {.key = "k"});
    delivery refused = co_await jobs.receive("all");
    co_await refused.nack(1s, "the first reason");
    co_await jobs.send("delayed", {.delay = 2h});
    delivery old = co_await jobs.receive("all");
    for (int i = 0; i != 200; ++i) {
      co_await jobs.send(body);
      delivery one = co_await jobs.receive("all");
      co_await one.ack();
    }
    co_await jobs.check();
    auto now = co_await jobs.metrics();
    CHECK(now.file_bytes < 12'000);
    CHECK(now.moved >= 2);
    CHECK(now.failed_removals == 0);
    co_await old.nack(0s, "the second reason");
    co_await jobs.close();
    auto again = co_await messaging::queue::open("/jobs", how);
    co_await again.check();
    now = co_await again.metrics();
    CHECK((now.messages == 2 && now.groups[0].delayed == 1));
    CHECK(again.recovery().damaged.empty());
    delivery third = co_await again.receive("all");
    CHECK((third.body() == "old" && third.attempt() == 3 && third.key() == "k"));
    co_await third.ack();
    delivery delayed = co_await again.receive("all");
    CHECK(delayed.body() == "delayed");
    co_await again.close();
  });
}

TEST_CASE("queue: damage costs the message that it hits, and is reported", "[messaging][queue]") {
  const scratch_folder folder;
  const std::string directory = folder / "jobs", file = directory + "/00000000000000000001.segment";
  const auto fills = [&]() -> task<> {
    auto jobs = co_await open_with_group(directory);
    for (const char* const body : {"first-body", "second-body", "third-body", "last-body"})
      co_await jobs.send(body);
    co_await jobs.close();
  };
  const auto flip = [&](const std::string& what) {
    std::ifstream from(file, std::ios::binary);
    std::string all((std::istreambuf_iterator<char>(from)), {});
    const auto at = all.find(what);
    REQUIRE(at != std::string::npos);
    all[at] ^= 1;
    std::ofstream(file, std::ios::binary | std::ios::in)
        .write(all.data(), static_cast<std::streamsize>(all.size()));
  };
  loop here;
  here.run(fills());
  flip("second-body");
  const auto reads = [&]() -> task<> {
    auto jobs = co_await messaging::queue::open(directory);
    REQUIRE(jobs.recovery().damaged.size() == 1);
    CHECK(jobs.recovery().damaged[0].find(file) != std::string::npos);
    auto now = co_await jobs.metrics();
    CHECK(now.messages == 3);
    flip("third-body");  // while it is open
    const std::string all = co_await take_all(jobs, "all");
    CHECK(all == "first-body last-body ");
    co_await jobs.check();
    now = co_await jobs.metrics();
    CHECK(now.groups[0].dead == 1);
    co_await jobs.close();
  };
  here.run(reads());
}
