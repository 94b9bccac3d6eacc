// Connections of a pool, transactions and scripts, with a played server and a real one.

#include "braid/redis/pool.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "acted_server.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_timeout.hpp"
#include "every_cancellation.hpp"
#include "server_process.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

std::vector<redis::request> two_requests(std::string key) {
  std::vector<redis::request> both;
  both.emplace_back("SET", key, "1");
  both.emplace_back("INCR", key);
  return both;
}

redis::client_options with_a_minute() {
  redis::client_options how;
  how.command = 60s;
  return how;
}

// [watch]
task<bool> take_one(redis::pool& pool, std::string stock) {
  redis::connection own = co_await pool.take();
  for (;;) {
    (void)co_await own.command("WATCH", stock);
    const redis::value left = co_await own.command("GET", stock);
    if (left.as<std::optional<std::int64_t>>().value_or(0) == 0) co_return false;
    std::vector<redis::request> taking;
    taking.emplace_back("DECR", stock);
    taking.emplace_back("RPUSH", "taken", stock);
    const auto done = co_await own.transaction(std::move(taking));
    if (done) co_return true;  // else somebody else was faster: once more
  }
}
// [/watch]

}  // namespace

TEST_CASE("redis::pool: gives a connection to one task at a time", "[redis]") {
  const auto program = []() -> task<> {
    acted_server server(answer);
    redis::client_options how;
    how.command = 1s;
    redis::pool pool(server.at, std::move(how), 2);
    CHECK(pool.free() == 2);
    {
      redis::connection first = co_await pool.take(), second = co_await pool.take();
      auto third = as_result(pool.take());
      const auto none = co_await std::move(third);
      CHECK(none.error() == std::errc::timed_out);
      const redis::value one = co_await first.command("ECHO", 1);
      CHECK(one.text() == "1");
      CHECK(second.is_open());
    }
    CHECK(pool.free() == 2);
    CHECK(pool.idle() == 1);  // the second has never been connected
    CHECK(server.connections == 1);
    co_await sleep_for(10s);
    {
      redis::connection again = co_await pool.take();  // tested by a PING
      (void)co_await again.command("ECHO", 2);
      CHECK(server.connections == 1);
      CHECK(server.seen[2] == words{"PING"});
      // One that is left with a command on its way, or with a changed state, is not used again.
      auto brief = as_result(with_timeout(again.command("SILENCE"), 0s));
      (void)co_await std::move(brief);
    }
    CHECK(pool.idle() == 0);
    for (const auto& [change, kept] : {std::pair("SELECT", 0u), {"WATCH", 0u}, {"UNWATCH", 1u}}) {
      {
        redis::connection own = co_await pool.take();
        (void)co_await own.command("WATCH", "a");
        (void)co_await own.command(change, "7");
      }
      INFO(change);
      CHECK(pool.idle() == kept);
    }
    auto refused = as_result([&]() -> task<> {
      redis::connection own = co_await pool.take();
      (void)co_await own.command("SUBSCRIBE", "a");
    });
    const auto no = co_await std::move(refused);
    CHECK(no.error() == std::errc::operation_not_supported);
    co_await server.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::connection: is not made again", "[redis]") {
  const auto program = []() -> task<> {
    const auto once = [](acted_state& self, tcp::stream& client, int) -> task<> {
      arriving from(client);
      co_await greet(from, client);
      for (int i = 0; i < 2; ++i) {
        const auto asked = co_await words_of(from);
        self.seen.push_back(asked.value());
        if (i == 0) co_await client.write_all("+OK\r\n");
      }
    };
    acted_server server(once);
    redis::pool pool(server.at);
    {
      redis::connection own = co_await pool.take();
      (void)co_await own.command("WATCH", "a");
      redis::request get("GET", "a");
      get.idempotent();  // but what WATCH has set up is gone
      auto losing = as_result(own.command(get));
      const auto lost = co_await std::move(losing);
      CHECK(outcome_of(lost) == outcome(redis::errc::reply_lost));
      CHECK(!own.is_open());
      auto later = as_result(own.command(get));
      const auto none = co_await std::move(later);
      CHECK(outcome_of(none) == outcome(redis::errc::no_connection));
    }
    CHECK(pool.idle() == 0);
    co_await server.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::pool: every cancellation of a small program", "[redis][exact]") {
  const auto program = []() -> task<> {
    acted_server server(answer);
    redis::pool pool(server.at, {}, 1);
    const auto asks = [&](int n) -> task<> {
      redis::connection own = co_await pool.take();
      const redis::value got = co_await own.command("ECHO", n);
      if (got.text() != std::to_string(n)) throw std::logic_error("another's reply");
    };
    co_await when_all(asks(1), asks(2));
    co_await server.close();
  };
  CHECK(every_cancellation_with_memory(program) > 5);
}

TEST_CASE("redis::client: transactions, as a server answers them", "[redis]") {
  const auto program = []() -> task<> {
    const std::vector<std::string> answers{
        "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n-WRONGTYPE no\r\n",
        "+OK\r\n-ERR wrong number\r\n+QUEUED\r\n-EXECABORT Transaction discarded\r\n",
        "+OK\r\n+QUEUED\r\n+QUEUED\r\n*-1\r\n",
        "+OK\r\n+QUEUED\r\n+QUEUED\r\n*1\r\n+OK\r\n",
        "+OK\r\n+QUEUED\r\n",
    };
    const auto plays = [&](acted_state& self, tcp::stream& client, int n) -> task<> {
      arriving from(client);
      co_await greet(from, client);
      for (int i = 0; i < 4; ++i) {
        const auto asked = co_await words_of(from);
        self.seen.push_back(asked.value());
      }
      co_await client.write_all(answers[static_cast<std::size_t>(n)]);
      if (n + 1 < 5) co_await ignore(self, from);
    };
    acted_server server(plays);
    std::vector<result<std::vector<result<redis::value>>>> got;
    for (int n = 0; n < 5; ++n) {
      redis::client db(server.at);
      auto doing = as_result(db.transaction(two_requests("a")));
      got.push_back(co_await std::move(doing));
    }
    CHECK(server.seen[0] == words{"MULTI"});
    CHECK(server.seen[2] == words{"INCR", "a"});
    CHECK(server.seen[3] == words{"EXEC"});
    CHECK(outcome_of(got[0].value()[0]) == "OK");
    CHECK(outcome_of(got[0].value()[1]) == outcome(redis::errc::wrong_type));
    CHECK(got[1].error() == redis::errc::exec_aborted);
    CHECK(got[1].error().suppressed().front().message().find("SET (ERR wrong number)") != std::string::npos);
    CHECK(got[2].error() == redis::errc::unexpected_reply);
    CHECK(got[3].error() == redis::errc::unexpected_reply);
    CHECK(got[4].error() == redis::errc::reply_lost);
    redis::client db(server.at);
    std::vector<redis::request> bad;
    bad.emplace_back("WATCH", "a");
    auto refusing = as_result(db.transaction(std::move(bad)));
    const auto refused = co_await std::move(refusing);
    CHECK(refused.error() == std::errc::operation_not_supported);
    const auto nothing = co_await db.transaction({});
    CHECK(nothing.empty());
    co_await server.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis: transactions, watches, scripts and blocking commands of a real server", "[redis][server]") {
  if (!has_server("redis-server")) return;
  const auto program = []() -> task<> {
    server_process server;
    co_await server.start();
    redis::client db(server.at(), with_a_minute());
    const auto done = co_await db.transaction(two_requests("a"));
    CHECK(done[1].value().integer() == 2);

    redis::pool pool(server.at(), with_a_minute(), 2);
    {
      redis::connection own = co_await pool.take();
      (void)co_await own.command("WATCH", "a");
      co_await db.set("a", "changed");
      const auto none = co_await own.transaction(two_requests("a"));
      CHECK(!none);
      const auto some = co_await own.transaction(two_requests("a"));
      CHECK(some->at(1).value().integer() == 2);
    }
    CHECK(pool.idle() == 1);

    co_await db.set("stock", "3");
    std::vector<task<bool>> takers;
    for (int n = 0; n < 5; ++n) takers.push_back(take_one(pool, "stock"));
    const std::vector<bool> taken = co_await when_all(std::move(takers));
    CHECK(std::count(taken.begin(), taken.end(), true) == 3);
    const redis::value gone = co_await db.command("LLEN", "taken");
    CHECK(gone.integer() == 3);

    // A pop waits while the client goes on.
    const auto pops = [&]() -> task<std::string> {
      redis::connection own = co_await pool.take();
      redis::request pop("BLPOP", "jobs", 50);
      pop.within(55s);
      const redis::value job = co_await own.command(std::move(pop));
      co_return job.as<words>()[1];
    };
    const auto pushes = [&]() -> task<> {
      std::int64_t blocked = 0;
      while (blocked == 0) {
        const redis::value clients = co_await db.command("INFO", "clients");
        blocked = clients.text().find("blocked_clients:1") != std::string::npos ? 1 : 0;
      }
      (void)co_await db.command("RPUSH", "jobs", "resize");
    };
    auto both = when_all(pops(), pushes());
    const auto [job, pushed] = co_await std::move(both);
    CHECK(job == "resize");

    redis::script add("return redis.call('INCRBY', KEYS[1], ARGV[1])");
    const words keys{"n"}, four{"4"};
    redis::value sum = co_await db.run(add, keys, four);
    CHECK(sum.integer() == 4);
    (void)co_await db.command("SCRIPT", "FLUSH");
    sum = co_await db.run(add, keys, four);
    CHECK(sum.integer() == 8);
    sum = co_await db.run(add, keys, four);
    CHECK(sum.integer() == 12);
    CHECK(add.digest().size() == 40);
    co_await db.close();
  };
  braid::run(program());
}
