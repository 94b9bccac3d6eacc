#include "braid/redis/client.hpp"

#include <chrono>
#include <cstdint>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "acted_server.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/with_timeout.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// [sample]
task<std::int64_t> count_visit(redis::client& db, std::string user) {
  const redis::value visits = co_await db.command("HINCRBY", "visits", user, 1);
  co_await db.set("last:" + user, "today", 24h);
  const std::optional<std::string> name = co_await db.get("name:" + user);  // none if there is no such key
  if (name) std::cout << *name << " is here\n";
  co_return visits.integer();
}
// [/sample]

// [doubt]
task<std::string> pay(redis::client& db, std::int64_t amount) {
  auto paying = as_result(db.command("INCRBY", "account", amount));
  const auto paid = co_await std::move(paying);
  if (paid) co_return "paid";
  if (redis::may_have_been_done(paid.error())) co_return "in doubt";  // look it up before the next attempt
  co_return "not paid: " + paid.error().message();
}
// [/doubt]

}  // namespace

TEST_CASE("redis::client: the samples of docs/redis.md", "[redis]") {
  const auto program = []() -> task<> {
    const auto counts = [](acted_state& self, tcp::stream& client, int) -> task<> {
      arriving from(client);
      co_await greet(from, client);
      for (const char* each : {":7\r\n", "+OK\r\n", "$-1\r\n", ":40\r\n", "-NOPERM no\r\n", ""}) {
        const auto asked = co_await words_of(from);
        self.seen.push_back(asked.value());
        co_await client.write_all(std::string_view(each));
      }
    };
    acted_server server(counts);
    redis::client db(server.at);
    const std::int64_t visits = co_await count_visit(db, "ann");
    CHECK(visits == 7);
    CHECK(server.seen[1] == words{"SET", "last:ann", "today", "PX", "86400000"});
    std::string how = co_await pay(db, 5);
    CHECK(how == "paid");
    how = co_await pay(db, 5);
    CHECK(how.starts_with("not paid: redis::client INCRBY (NOPERM no)"));
    how = co_await pay(db, 5);
    CHECK(how == "in doubt");
    co_await server.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::client: sends commands and gets their replies", "[redis]") {
  const auto program = []() -> task<> {
    acted_server server(answer);
    redis::client db(server.at);
    CHECK(!db.is_connected());
    const auto none = co_await db.get("a");
    CHECK(none == std::nullopt);
    co_await db.set("a", "hello");
    const auto kept = co_await db.get("a");
    CHECK(kept == "hello");
    co_await db.set("a", "soon gone", 10s);
    CHECK(server.seen.back() == words{"SET", "a", "soon gone", "PX", "10000"});
    const redis::value echoed = co_await db.command("ECHO", 7);
    CHECK(echoed.text() == "7");
    auto failing = as_result(db.command("FAIL", "secret"));
    const auto failed = co_await std::move(failing);
    CHECK(failed.error() == redis::errc::refused);
    CHECK(failed.error().message() == "redis::client FAIL (ERR you asked for it): the server refused it");
    const std::string large(400'000, 'x');
    const redis::value long_one = co_await db.command("ECHO", large);
    CHECK((long_one.text() == large));
    CHECK(db.connections() == 1);
    CHECK(db.commands() == 0);
    co_await db.close();
    CHECK(!db.is_connected());
    auto late = as_result(db.get("a"));
    const auto refused = co_await std::move(late);
    CHECK(refused.error() == redis::errc::client_closed);
    co_await db.close();
    co_await server.close();
  };
  run_redis_program(GENERATE(true, false), program);
}

TEST_CASE("redis::client: a pipeline has a result for each command", "[redis]") {
  const auto program = []() -> task<> {
    acted_server server(answer);
    redis::client db(server.at);
    std::vector<redis::request> three;
    three.emplace_back("ECHO", "one");
    three.emplace_back("FAIL");
    three.emplace_back("ECHO", "three");
    const auto got = co_await db.pipeline(std::move(three));
    CHECK(got.size() == 3);
    CHECK(outcome_of(got[0]) == "\"one\"");
    CHECK(outcome_of(got[1]) == outcome(redis::errc::refused));
    CHECK(outcome_of(got[2]) == "\"three\"");
    const auto nothing = co_await db.pipeline({});
    CHECK(nothing.empty());
    co_await server.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::client: works in every style", "[redis]") {
  IN_EVERY_STYLE(style);
  loop running;
  acted_server server(answer);
  redis::client db(server.at);
  CHECK(style.wait(db.command("ECHO", "hello")).value().text() == "hello");
  CHECK(style.wait(db.command("FAIL")).error() == redis::errc::refused);
  CHECK(style.wait(db.close()));
  CHECK(style.wait(server.close()));
}

TEST_CASE("redis::client: gives each task its own reply, whatever is cancelled", "[redis]") {
  const auto program = []() -> task<> {
    // Answers late, and a few at a time.
    const auto slow = [](acted_state&, tcp::stream& client, int) -> task<> {
      arriving from(client);
      std::string all, kept;
      for (int n = 0;; ++n) {
        const auto asked = co_await words_of(from);
        if (!asked) break;
        all += answer_to(*asked, kept);
        if (n % 5 != 0 && !from.buffered().empty()) continue;
        co_await sleep_for(1ms);
        co_await client.write_all(all);
        all.clear();
      }
    };
    acted_server server(slow);
    redis::client db(server.at);
    std::mt19937 random(7);
    int answered = 0, stopped = 0;
    const auto one = [&](int n) -> task<> {
      const auto patience = std::chrono::microseconds(random() % 40'000);
      co_await sleep_for(std::chrono::microseconds(random() % 20'000));
      auto asking = as_result(with_timeout(db.command("ECHO", n), patience));
      const auto got = co_await std::move(asking);
      if (got) CHECK(got->text() == std::to_string(n));
      if (!got) CHECK(got.error() == std::errc::timed_out);
      (got ? answered : stopped) += 1;
    };
    std::vector<task<>> all;
    for (int n = 0; n < 300; ++n) all.push_back(one(n));
    co_await when_all(std::move(all));
    CHECK(answered > 30);
    CHECK(stopped > 30);
    CHECK(db.connections() == 1);
    const redis::value last = co_await db.command("ECHO", "last");
    CHECK(last.text() == "last");
    co_await db.close();
    co_await server.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::client: greets with user, password, database and name", "[redis]") {
  const auto program = []() -> task<> {
    acted_server server(answer);
    redis::client_options how;
    how.user = "ann";
    how.password = "secret";
    how.database = 3;
    how.name = "tests";
    redis::client db(server.at, std::move(how));
    (void)co_await db.command("PING");
    const std::vector<words> greeting{
        {"AUTH", "ann", "secret"}, {"SELECT", "3"}, {"CLIENT", "SETNAME", "tests"}, {"PING"}, {"PING"}};
    CHECK(server.seen == greeting);
    co_await server.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::client: bounds what waits, by waiting or by refusing", "[redis]") {
  const auto program = []() -> task<> {
    const auto delays = [](acted_state& self, tcp::stream& client, int n) -> task<> {
      co_await sleep_for(50ms);
      co_await answer(self, client, n);
    };
    acted_server server(delays);
    for (const auto mode : {redis::when_full::wait, redis::when_full::refuse}) {
      redis::client_options how;
      how.commands = 4;
      how.waiting_bytes = 100;
      how.when_full = mode;
      redis::client db(server.at, std::move(how));
      std::vector<task<redis::value>> all;
      for (int n = 0; n < 10; ++n) all.push_back(db.command("ECHO", n));
      const auto got = co_await when_all_settled(std::move(all));
      int answered = 0, refused = 0;
      for (const auto& each : got) {
        answered += each.has_value() ? 1 : 0;
        refused += !each && each.error() == redis::errc::too_many_commands ? 1 : 0;
      }
      const bool waits = mode == redis::when_full::wait;
      CHECK(answered == (waits ? 10 : 4));
      CHECK(refused == (waits ? 0 : 6));
      // One that is larger than the whole room may be sent alone.
      const redis::value large = co_await db.command("ECHO", std::string(1000, 'x'));
      CHECK(large.text().size() == 1000);
      CHECK(db.commands() == 0);
    }
    co_await server.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::client: every cancellation of a small program", "[redis][exact]") {
  const auto program = []() -> task<> {
    acted_server server(answer);
    redis::client db(server.at);
    const auto asks = [&](int n) -> task<> {
      const redis::value got = co_await db.command("ECHO", n);
      if (got.text() != std::to_string(n)) throw std::logic_error("another's reply");
    };
    co_await when_all(asks(1), asks(2));
    co_await asks(3);
    co_await db.close();
    co_await server.close();
  };
  CHECK(every_cancellation_with_memory(program) > 5);
}
