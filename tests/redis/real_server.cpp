// A client with a redis-server that the test starts.

#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "acted_server.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/redis/client.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "server_process.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

redis::client_options patient() {
  redis::client_options how;
  how.command = 60s;  // the server takes a while to begin
  return how;
}

task<std::optional<error>> failure_of_command(redis::client& db, redis::request what) {
  auto asking = as_result(db.command(std::move(what)));
  const auto got = co_await std::move(asking);
  if (got) co_return std::nullopt;
  co_return std::optional<error>(got.error());
}

}  // namespace

TEST_CASE("redis::client: speaks with a real server", "[redis][server]") {
  if (!has_server("redis-server")) return;
  const auto program = []() -> task<> {
    server_process server;
    co_await server.start();
    redis::client db(server.at(), patient());
    co_await db.set("text", std::string("a\0\r\nb", 5));
    const auto text = co_await db.get("text");
    CHECK(text == std::string("a\0\r\nb", 5));
    co_await db.set("brief", "x", 100s);
    const redis::value left = co_await db.command("PTTL", "brief");
    CHECK(left.integer() > 0);
    const auto sum = co_await db.increment("n", 40);
    CHECK(sum == 40);
    const bool erased = co_await db.erase("n"), again = co_await db.erase("n");
    CHECK((erased && !again));
    (void)co_await db.command("RPUSH", "list", "a", 1, 2.5);
    const redis::value list = co_await db.command("LRANGE", "list", 0, -1);
    CHECK(list.as<words>() == words{"a", "1", "2.5"});
    (void)co_await db.command("HSET", "hash", "a", 1, "b", 2);
    const redis::value hash = co_await db.command("HGETALL", "hash");
    CHECK(hash.to_string() == R"(["a", "1", "b", "2"])");
    (void)co_await db.command("ZADD", "scores", 1.5, "ann");
    const redis::value score = co_await db.command("ZSCORE", "scores", "ann");
    CHECK(score.as<double>() == 1.5);
    const redis::value id = co_await db.command("XADD", "stream", "*", "field", "value");
    const redis::value read = co_await db.command("XREAD", "COUNT", 1, "STREAMS", "stream", 0);
    CHECK(read.array()[0].array()[1].array()[0].array()[0] == id);
    const redis::value nested =
        co_await db.command("EVAL", "return {1, {2, 'x'}, redis.error_reply('NO')}", 0);
    CHECK(nested.to_string() == "[1, [2, \"x\"], (error) ERR NO]");

    std::optional<error> why = co_await failure_of_command(db, redis::request("LPUSH", "text", "x"));
    CHECK(why == redis::errc::wrong_type);
    why = co_await failure_of_command(db, redis::request("EVALSHA", std::string(40, 'a'), 0));
    CHECK(why == redis::errc::no_script);
    for (const char* each : {"HELLO", "subscribe", "MULTI", "Select", "MONITOR", "client"}) {
      why = co_await failure_of_command(db, redis::request(each, "reply", "off"));
      CHECK(why == std::errc::operation_not_supported);
    }
    std::vector<redis::request> many;
    for (int i = 0; i < 5000; ++i) many.emplace_back("ECHO", i);
    const auto all = co_await db.pipeline(std::move(many));
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].value().text() != std::to_string(i)) FAIL(i);

    // Users, databases and names.
    (void)co_await db.command("ACL", "SETUSER", "ann", "on", ">secret", "~a*", "+@all", "-flushall");
    redis::client_options as_ann = patient();
    as_ann.user = "ann";
    as_ann.password = "secret";
    as_ann.database = 5;
    as_ann.name = "of-ann";
    redis::client other(server.at(), std::move(as_ann));
    const redis::value name = co_await other.command("CLIENT", "GETNAME");
    CHECK(name.text() == "of-ann");
    co_await other.set("a", "in 5");
    const auto elsewhere = co_await db.get("a");
    CHECK(!elsewhere);
    why = co_await failure_of_command(other, redis::request("FLUSHALL"));
    CHECK(why == redis::errc::no_permission);
    redis::client_options wrong = patient();
    wrong.user = "ann";
    wrong.password = "guess";
    redis::client third(server.at(), std::move(wrong));
    why = co_await failure_of_command(third, redis::request("PING"));
    CHECK(why == redis::errc::wrong_password);
    co_await other.close();
    co_await db.close();
  };
  braid::run(program());
}

TEST_CASE("redis::client: a stopped server's late reply reaches nobody else", "[redis][server]") {
  if (!has_server("redis-server")) return;
  const auto program = []() -> task<> {
    server_process server;
    co_await server.start();
    redis::client db(server.at(), patient());
    co_await db.set("a", "1");
    server.signal(SIGSTOP);
    redis::request brief("INCR", "a");
    brief.within(20ms);
    const std::optional<error> late = co_await failure_of_command(db, std::move(brief));
    CHECK(late == redis::errc::reply_late);
    auto next = spawn(db.command("ECHO", "next"));
    server.signal(SIGCONT);
    const redis::value got = co_await std::move(next);
    CHECK(got.text() == "next");
    CHECK(db.connections() == 1);
    const auto done = co_await db.get("a");
    CHECK(done == "2");  // it was in doubt, and was done

    redis::client_options watchful;
    watchful.silence = 20ms;
    watchful.command = 60s;
    redis::client watching(server.at(), std::move(watchful));
    (void)co_await watching.command("PING");
    server.signal(SIGSTOP);
    const std::optional<error> lost = co_await failure_of_command(watching, redis::request("INCR", "a"));
    CHECK(lost == redis::errc::reply_lost);
    CHECK(lost->suppressed().front() == redis::errc::silent_server);
    server.signal(SIGCONT);
    co_await db.close();
  };
  braid::run(program());
}

TEST_CASE("redis::client: kill -9 of the server in the middle", "[redis][server]") {
  if (!has_server("redis-server")) return;
  const auto program = []() -> task<> {
    server_process server;
    co_await server.start();
    redis::client db(server.at(), patient());
    std::int64_t acknowledged = 0, in_doubt = 0;
    bool goes_on = true;
    const auto counts = [&]() -> task<> {
      while (goes_on) {
        auto adding = as_result(db.increment("n"));
        const auto got = co_await std::move(adding);
        if (got) ++acknowledged;
        if (!got && redis::may_have_been_done(got.error())) ++in_doubt;
        if (!got && !redis::may_have_been_done(got.error())) got.error().rethrow();
        const auto safe = co_await db.get("text");  // sent again
        if (safe) throw std::logic_error("another's reply");
      }
    };
    const auto kills = [&]() -> task<> {
      for (int n = 0; n < 3; ++n) {
        const std::int64_t before = acknowledged;
        while (acknowledged < before + 50) co_await yield();
        co_await server.kill();
        co_await server.start();
      }
      const std::int64_t before = acknowledged;
      while (acknowledged < before + 50) co_await yield();
      goes_on = false;
    };
    auto all = when_all(kills(), counts(), counts(), counts(), counts());
    co_await std::move(all);
    const std::int64_t total = (co_await db.command("GET", "n")).as<std::int64_t>();
    INFO(acknowledged << " acknowledged, " << in_doubt << " in doubt, " << total << " in all");
    CHECK(total >= acknowledged);
    CHECK(total <= acknowledged + in_doubt);
    CHECK(db.connections() >= 4);
    co_await db.close();
  };
  braid::run(program());
}

// A thread without a loop gets one for each call, which ends with the call, and so does its connection.
TEST_CASE("redis::client: outlives the loop of a call", "[redis][server]") {
  if (!has_server("redis-server")) return;
  server_process server;
  redis::client db(server.at(), patient());
  {
    loop first;
    first.run(server.start());
    CHECK(first.run(db.increment("n")) == 1);
    CHECK(first.run(db.increment("n")) == 2);
    CHECK(db.connections() == 1);
    start(db.command("DEBUG", "SLEEP", 0), [](auto&&) {});  // in flight as the loop ends
  }
  CHECK(!db.is_connected());
  CHECK(run(db.increment("n")) == 3);
  CHECK(run(db.increment("n")) == 4);
  CHECK(db.connections() == 3);
  CHECK(db.commands() == 0);
  run(db.close());
  run(server.kill());
}
