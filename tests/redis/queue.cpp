// A queue whose messages are in a redis-server that the test starts.

#include "braid/redis/queue.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "conformance.hpp"
#include "conformance_support.hpp"
#include "descriptors.hpp"
#include "server_process.hpp"

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using messaging::delivery;

redis::client_options with_patience() {
  redis::client_options how;
  how.command = 60s;  // the server takes a while to begin
  return how;
}

task<> run_on_server(const server_process& server, std::span<const queue_case> all) {
  int number = 0;
  for (const queue_case& each : all) {
    INFO(each.name);
    redis::client db(server.at(), with_patience());
    const std::string name = std::string(each.name) + " " + std::to_string(++number);
    const queue_opener opens = [&](messaging::queue_options how) -> task<messaging::queue> {
      auto opening = redis::open_queue(db, name, how);
      messaging::queue opened = co_await std::move(opening);
      co_return opened;
    };
    co_await each.run(opens);
    co_await db.close();
  }
}

// Takes messages and never ends with one. It says so through the pipe, a byte for each.
[[noreturn]] void take_until_killed(const std::string& socket, int begins, int said) {
  char byte = 0;
  if (::read(begins, &byte, 1) != 1) ::_exit(1);
  const auto handle = [said](delivery&) -> task<> {
    if (::write(said, "x", 1) != 1) ::_exit(2);
    co_await sleep_for(1h);
  };
  const auto program = [&]() -> task<> {
    redis::client db(unix_domain::address(socket), with_patience());
    messaging::queue jobs = co_await redis::open_queue(db, "jobs");
    co_await jobs.consume("all", handle, {.concurrency = 3});
  };
  loop here;
  here.run(program());
  ::_exit(3);
}

}  // namespace

TEST_CASE("redis::open_queue: what every engine does with deliveries", "[redis][server][queue]") {
  if (!has_server("redis-server")) return;
  const auto program = []() -> task<> {
    server_process server;
    co_await server.start();
    co_await run_on_server(server, delivery_cases());
  };
  braid::run(program());
}

TEST_CASE("redis::open_queue: what every engine does for consumers and owners", "[redis][server][queue]") {
  if (!has_server("redis-server")) return;
  const auto program = []() -> task<> {
    server_process server;
    co_await server.start();
    co_await run_on_server(server, owner_cases());
    co_await run_on_server(server, shared_cases());
  };
  braid::run(program());
}

TEST_CASE("redis::open_queue: another program finishes what a killed one had", "[redis][server][queue]") {
  if (!has_server("redis-server")) return;
  server_process server;
  pipe_ends begins, said;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) take_until_killed(server.socket(), begins.reader(), said.writer());
  loop here;
  redis::client db(server.at(), with_patience());
  std::optional<messaging::queue> jobs;
  const auto fills = [&]() -> task<> {
    co_await server.start();
    jobs.emplace(co_await redis::open_queue(db, "jobs"));
    co_await jobs->make_group("all", {.attempts = 100, .lease = 200ms});
    for (int i = 0; i != 10; ++i) {
      const std::string body = std::to_string(i);
      (void)co_await jobs->send(body, {.key = i < 5 ? "k" : ""});
    }
  };
  here.run(fills());
  REQUIRE(::write(begins.writer(), "x", 1) == 1);
  char byte = 0;
  for (int i = 0; i != 3; ++i) REQUIRE(::read(said.reader(), &byte, 1) == 1);
  REQUIRE(::kill(child, SIGKILL) == 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  std::string order;
  std::set<std::string> all;
  int again = 0;
  const auto handle = [&](delivery& job) -> task<> {
    if (job.attempt() > 1) ++again;
    if (job.key() == "k") order += job.body();
    all.insert(job.body());
    co_return;
  };
  const auto finishes = [&]() -> task<> {
    auto consuming = spawn(jobs->consume("all", handle, {.concurrency = 2}));
    const bool drained = co_await jobs->drain(loop_clock::now() + 1h);
    CHECK(drained);
    consuming.request_stop();
    auto ending = as_result(std::move(consuming));
    (void)co_await std::move(ending);
    co_await jobs->check();
    co_await jobs->close();
    // The consumer of the program that has ended is there until it was idle for an hour; this one is not.
    const redis::value left = co_await db.command("XINFO", "CONSUMERS", "braid:{jobs}:r:1:0", "g");
    CHECK(left.array().size() == 1);
    const redis::value pending = co_await db.command("XPENDING", "braid:{jobs}:r:1:0", "g");
    CHECK(pending.array()[0].integer() == 0);
    co_await db.close();
    co_await server.kill();
  };
  here.run(finishes());
  CHECK((all.size() == 10 && again >= 3 && order == "01234"));
}

TEST_CASE("redis::open_queue: kill -9 of the server loses nothing acknowledged", "[redis][server][queue]") {
  if (!has_server("redis-server")) return;
  const auto program = []() -> task<> {
    server_process server;
    co_await server.start();
    redis::client db(server.at(), with_patience());
    messaging::queue jobs = co_await redis::open_queue(db, "jobs");
    co_await jobs.make_group("all", {.attempts = 1000, .lease = 1s});
    std::set<std::string> begun, acknowledged, handled;
    std::size_t last = 0;
    bool goes_on = true;
    const auto sends = [&](char key) -> task<> {
      int number = 0;
      while (goes_on) {
        const std::string body = key + std::to_string(++number);
        const std::string_view its_key(body.data(), 1), once(key == 'c' ? std::string_view() : body);
        begun.insert(body);
        auto sending = as_result(jobs.send(body, {.key = its_key, .idempotency_key = once}));
        const result<std::uint64_t> sent = co_await std::move(sending);
        if (sent) acknowledged.insert(body);
        if (!sent && !redis::may_have_been_done(sent.error())) sent.error().rethrow();
      }
    };
    const auto handle = [&](delivery& job) -> task<> {
      handled.insert(job.body());
      co_return;
    };
    auto consuming = spawn(jobs.consume("all", handle, {.concurrency = 3}));
    const auto kills = [&]() -> task<> {
      for (int n = 0; n != 3; ++n) {
        last = acknowledged.size();
        while (acknowledged.size() < last + 30) co_await yield();
        co_await server.kill();
        co_await server.start();
      }
      last = acknowledged.size();
      while (acknowledged.size() < last + 30) co_await yield();
      goes_on = false;
    };
    auto all = when_all(kills(), sends('a'), sends('b'), sends('c'));
    co_await std::move(all);
    const bool drained = co_await jobs.drain(loop_clock::now() + 1h);
    CHECK(drained);
    consuming.request_stop();
    auto ending = as_result(std::move(consuming));
    const result<void> ended = co_await std::move(ending);
    CHECK((!ended && ended.error() == std::errc::operation_canceled));
    for (const std::string& each : acknowledged)
      if (handled.count(each) == 0) FAIL("lost: " << each);
    for (const std::string& each : handled)
      if (begun.count(each) == 0) FAIL("invented: " << each);
    co_await jobs.check();
    co_await jobs.close();
    co_await db.close();
  };
  braid::run(program());
}

TEST_CASE("redis::open_queue: a server without room, another version, no server", "[redis][server][queue]") {
  if (!has_server("redis-server")) return;
  const auto program = []() -> task<> {
    server_process server;
    co_await server.start();
    redis::client db(server.at(), with_patience());
    const queue_opener opens = [&](messaging::queue_options how) {
      return redis::open_queue(db, "jobs", how);
    };
    messaging::queue jobs = co_await open_with_all(opens, {.lease = 1h});
    (void)co_await jobs.send("one");
    (void)co_await jobs.send("two", {.delay = 1ms});
    (void)co_await db.command("CONFIG", "SET", "maxmemory", 1);
    std::error_code why = co_await failure_of(jobs.send("three"));
    CHECK(why == redis::errc::out_of_memory);
    for (int i = 0; i != 2; ++i) (void)co_await take_one(jobs);  // what makes room is not refused
    (void)co_await db.command("CONFIG", "SET", "maxmemory", 0);
    co_await jobs.check();
    co_await jobs.close();

    (void)co_await db.command("HSET", "braid:{other}:meta", "version", 2);
    why = co_await failure_of(redis::open_queue(db, "other"));
    CHECK(why == redis::errc::refused);
    why = co_await failure_of(redis::open_queue(db, "a{b"));
    CHECK(why == braid::errc::exception);  // std::invalid_argument
    co_await db.close();
    co_await server.kill();

    redis::client_options hasty;
    hasty.command = 20ms;
    redis::client nobody(server.at(), std::move(hasty));
    why = co_await failure_of(redis::open_queue(nobody, "jobs"));
    CHECK(why == redis::errc::not_sent);
    co_await nobody.close();
  };
  braid::run(program());
}
