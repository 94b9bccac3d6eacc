// What a client does when the server is down, silent, slow, gone in the middle, or no Redis at all.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "acted_server.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/redis/client.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// A server that reads a command and answers the nth connection with the nth text, in two pieces if `cut` is
// within it; then it waits for the end, or ends itself.
auto telling(std::vector<std::string> answers, std::size_t cut = 0, bool stays = true) {
  return [answers = std::move(answers), cut, stays](acted_state& self, tcp::stream& client, int n) -> task<> {
    const auto at = static_cast<std::size_t>(n);
    if (at >= answers.size()) {
      co_await answer(self, client, n);
      co_return;
    }
    arriving from(client);
    co_await greet(from, client);
    const auto asked = co_await words_of(from);
    if (!asked) co_return;
    self.seen.push_back(*asked);
    const std::string& text = answers[at];
    const std::size_t first = std::min(cut, text.size());
    co_await client.write_all(std::string_view(text).substr(0, first));
    co_await sleep_for(1ms);
    co_await client.write_all(std::string_view(text).substr(first));
    if (stays) co_await ignore(self, from);
  };
}

task<std::string> ask_once(endpoint at, redis::request what, redis::client_options how) {
  redis::client db(at, std::move(how));
  auto asking = as_result(db.command(std::move(what)));
  const auto got = co_await std::move(asking);
  co_return outcome_of(got);
}

// No default argument: g++ 12 would destroy one twice that is made in a co_await expression.
task<std::string> ask_once(endpoint at, redis::request what) {
  return ask_once(at, std::move(what), redis::client_options());
}

const std::string deep = "*4\r\n:7\r\n*2\r\n$2\r\n\r\n\r\n$-1\r\n+fine\r\n*-1\r\n";

}  // namespace

TEST_CASE("redis::client: puts together a reply that is cut at every byte", "[redis]") {
  const auto program = []() -> task<> {
    for (std::size_t cut = 0; cut < deep.size(); ++cut) {
      acted_server server(telling({deep}, cut));
      const std::string got = co_await ask_once(server.at, redis::request("ANY"));
      INFO(cut);
      CHECK(got == "[7, [\"\r\n\", (nil)], fine, (nil)]");
      co_await server.close();
    }
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::client: a reply that ends at any byte is lost", "[redis]") {
  const auto program = []() -> task<> {
    for (std::size_t end = 0; end < deep.size(); ++end) {
      acted_server server(telling({deep.substr(0, end), deep}, 3, false));
      redis::client db(server.at);
      auto asking = as_result(db.command("ANY"));
      const auto got = co_await std::move(asking);
      INFO(end);
      CHECK(outcome_of(got) == outcome(redis::errc::reply_lost));
      CHECK(got.error().suppressed().size() == 1);
      const redis::value next = co_await db.command("ANY");
      CHECK(next.to_string() == "[7, [\"\r\n\", (nil)], fine, (nil)]");
      CHECK(server.seen.size() == 2);
      co_await server.close();
    }
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::client: what is no reply is an error, and the next command has a new connection",
          "[redis]") {
  const auto program = []() -> task<> {
    const std::vector<std::string> examples{
        "hello\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        std::string("\0\0\0\0", 4),
        ":12a\r\n",
        ":\r\n",
        "$x\r\n",
        "$-2\r\n",
        "$9223372036854775807\r\n",
        "$99999999999999999999999999\r\n",
        "$2000000\r\n",
        "$3\r\nabcde",
        "*-2\r\n",
        "*2147483647\r\n",
        "*99999999999\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        "*2\r\n:1\r\n!\r\n",
        "+" + std::string(100'000, 'x'),
        "*3\r\n" + bulk(std::string(500'000, 'x')) + bulk(std::string(500'000, 'x')) + ":1\r\n",
        "%1\r\n+a\r\n:1\r\n",
    };
    for (const std::string& each : examples) {
      acted_server server(telling({each}));
      redis::client_options how;
      how.reply_bytes = 1'000'000;
      redis::client db(server.at, std::move(how));
      redis::request asked("ECHO", "x");
      asked.idempotent();  // not sent again: the reply would be the same
      auto asking = as_result(db.command(std::move(asked)));
      const auto got = co_await std::move(asking);
      INFO(each.substr(0, 100));
      CHECK(outcome_of(got) == outcome(redis::errc::malformed_reply));
      const redis::value next = co_await db.command("ECHO", "y");
      CHECK(next.text() == "y");
      co_await server.close();
    }
    // A second reply to one command, which nobody has asked for, must not answer the next one.
    acted_server twice(telling({"+one\r\n+two\r\n"}));
    redis::client db(twice.at);
    auto both = when_all(as_result(db.command("ECHO", "1")), sleep_for(5ms));
    const auto got = std::get<0>(co_await std::move(both));
    CHECK(outcome_of(got) == "one");
    const redis::value next = co_await db.command("ECHO", "y");
    CHECK(next.text() == "y");
    co_await twice.close();
  };
  run_redis_program(GENERATE(true, false), program);
}

TEST_CASE("redis::client: every command ends while the server is down, and works once it is up", "[redis]") {
  const auto program = []() -> task<> {
    acted_server server(answer);
    co_await server.close();
    redis::client_options how;
    how.command = 300ms;
    how.reconnect.cap = 50ms;
    redis::client db(server.at, std::move(how));
    const auto before = loop_clock::now();
    std::vector<task<redis::value>> all;
    for (int n = 0; n < 10; ++n) all.push_back(db.command("ECHO", n));
    const auto got = co_await when_all_settled(std::move(all));
    const auto took = loop_clock::now() - before;
    for (const auto& each : got) {
      CHECK(outcome_of(each) == outcome(redis::errc::not_sent));
      CHECK(each.error() == std::errc::timed_out);
      CHECK(each.error().suppressed().front() == std::errc::connection_refused);
    }
    CHECK((took >= 300ms && took < 400ms));
    auto waiting = spawn(db.command("ECHO", "late"));
    co_await sleep_for(100ms);
    server.revive();
    const redis::value late = co_await std::move(waiting);
    CHECK(late.text() == "late");
    co_await server.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::client: a silent server is found out, and a late reply is dropped", "[redis]") {
  const auto program = []() -> task<> {
    // The first connection is silent; it reads all.
    const auto silent = [](acted_state& self, tcp::stream& client, int n) -> task<> {
      arriving from(client);
      if (n == 0) {
        co_await greet(from, client);
        co_await ignore(self, from);
      }
      co_await answer_rest(self, client, from);
    };
    acted_server server(silent);
    redis::client_options how;
    how.command = 10s;
    how.silence = 1s;
    redis::client db(server.at, std::move(how));
    const auto before = loop_clock::now();
    auto asking = as_result(db.command("ECHO", "x"));
    redis::request again("ECHO", "y");
    again.idempotent();
    auto both = when_all(std::move(asking), db.command(std::move(again)));
    const auto [lost, repeated] = co_await std::move(both);
    const auto took = loop_clock::now() - before;
    CHECK(outcome_of(lost) == outcome(redis::errc::reply_lost));
    CHECK(lost.error().suppressed().front() == redis::errc::silent_server);
    CHECK(repeated.text() == "y");
    CHECK((took >= 2s && took < 3s));
    CHECK(server.seen == std::vector<words>{{"ECHO", "x"}, {"ECHO", "y"}, {"PING"}, {"PING"}, {"ECHO", "y"}});
    co_await server.close();

    // This one is slow, but sends a byte now and then: it lives. A reply that comes too late is dropped.
    const auto slow = [](acted_state& self, tcp::stream& client, int) -> task<> {
      arriving from(client);
      co_await greet(from, client);
      const auto first = co_await words_of(from);
      if (!first) co_return;
      for (const char* each : {"$", "6\r\n", "sl", "ow", "er", "\r\n"}) {
        co_await sleep_for(800ms);
        co_await client.write_all(each);
      }
      co_await answer_rest(self, client, from);
    };
    acted_server late(slow);
    redis::client_options brief;
    brief.command = 3s;
    brief.silence = 500ms;
    redis::client other(late.at, std::move(brief));
    auto first = as_result(other.command("ECHO", "x"));
    const auto got = co_await std::move(first);
    CHECK(outcome_of(got) == outcome(redis::errc::reply_late));
    CHECK(redis::may_have_been_done(got.error()));
    const redis::value second = co_await other.command("ECHO", "second");
    CHECK(second.text() == "second");
    CHECK(other.connections() == 1);
    co_await late.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::client: a command with a time of its own may keep the server silent so long", "[redis]") {
  const auto program = []() -> task<> {
    const auto blocks = [](acted_state&, tcp::stream& client, int) -> task<> {
      arriving from(client);
      co_await greet(from, client);
      const auto first = co_await words_of(from);
      if (!first) co_return;
      co_await sleep_for(20s);
      co_await client.write_all("*-1\r\n");
      const auto second = co_await words_of(from);
      if (second) co_await client.write_all("+never\r\n");
    };
    acted_server server(blocks);
    redis::client db(server.at);
    redis::request pop("BLPOP", "jobs", 20);
    pop.within(25s);
    const redis::value got = co_await db.command(std::move(pop));
    CHECK(got.is_nil());
    CHECK(db.connections() == 1);
    co_await server.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::client: sends again only what is idempotent", "[redis]") {
  const auto program = []() -> task<> {
    // The first connection ends in the middle of a pipeline's replies.
    acted_server server(telling({"$1\r\n1\r\n$1\r\n2"}, 0, false));
    redis::client db(server.at);
    std::vector<redis::request> three;
    for (int n = 1; n <= 3; ++n) three.emplace_back("ECHO", n);
    auto safe = redis::request("GET", "a");
    safe.idempotent();
    auto both = when_all(db.pipeline(three), as_result(db.command("ECHO", "x")), db.command(std::move(safe)));
    const auto [got, lost, repeated] = co_await std::move(both);
    CHECK(outcome_of(got[0]) == "\"1\"");
    CHECK(outcome_of(got[1]) == outcome(redis::errc::reply_lost));
    CHECK(outcome_of(got[2]) == outcome(redis::errc::reply_lost));
    CHECK(outcome_of(lost) == outcome(redis::errc::reply_lost));
    CHECK(repeated.is_nil());
    CHECK(server.seen.back() == words{"GET", "a"});
    co_await server.close();

    // All of a pipeline is idempotent: all of it is sent again.
    acted_server other(telling({"$1\r\n1\r\n$1\r\n2"}, 0, false));
    redis::client again(other.at);
    for (redis::request& each : three) each.idempotent();
    const auto whole = co_await again.pipeline(std::move(three));
    for (int n = 1; n <= 3; ++n)
      CHECK(outcome_of(whole[static_cast<std::size_t>(n - 1)]) == '"' + std::to_string(n) + '"');
    co_await other.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::client: a refused password is an error at once, a loading server is not", "[redis]") {
  const auto program = []() -> task<> {
    const auto greets = [](std::string first) {
      return [first](acted_state& self, tcp::stream& client, int n) -> task<> {
        arriving from(client);
        const auto asked = co_await words_of(from);
        if (!asked) co_return;
        const std::string reply = n == 0 ? first : "+OK\r\n";
        co_await client.write_all(reply);
        co_await answer_rest(self, client, from);
      };
    };
    redis::client_options how;
    how.password = "wrong";
    acted_server strict(greets("-WRONGPASS invalid username-password pair\r\n"));
    const auto before = loop_clock::now();
    const std::string refused = co_await ask_once(strict.at, redis::request("PING"), std::move(how));
    CHECK(refused == outcome(redis::errc::wrong_password));
    CHECK(loop_clock::now() - before < 1s);
    co_await strict.close();
    redis::client_options right;
    right.password = "right";
    acted_server loads(greets("-LOADING Redis is loading the dataset in memory\r\n"));
    const std::string got = co_await ask_once(loads.at, redis::request("PING"), std::move(right));
    CHECK(got == "PONG");
    CHECK(loads.connections == 2);
    co_await loads.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::client: asks the sentinels for the master, and again when it has changed", "[redis]") {
  const auto program = []() -> task<> {
    const auto serves = [](const char* role, bool changes) {
      return [role, changes](acted_state& self, tcp::stream& client, int n) -> task<> {
        arriving from(client);
        co_await greet(from, client);
        const auto asked = co_await words_of(from);
        if (!asked || *asked != words{"ROLE"}) co_return;
        co_await client.write_all("*3\r\n" + bulk(changes && n > 0 ? "slave" : role) + ":0\r\n*0\r\n");
        const auto first = co_await words_of(from);
        if (!first) co_return;
        self.seen.push_back(*first);
        const std::string reply =
            changes ? "-READONLY You can't write against a read only replica.\r\n" : "+OK\r\n";
        co_await client.write_all(reply);
        co_await answer_rest(self, client, from);
      };
    };
    acted_server old(serves("master", true)), fresh(serves("master", false));
    int asked_times = 0;
    const auto tells = [&](acted_state& self, tcp::stream& client, int) -> task<> {
      arriving from(client);
      const auto asked = co_await words_of(from);
      self.seen.push_back(asked.value());
      // It learns late that the master has changed.
      const endpoint now = ++asked_times < 3 ? old.at : fresh.at;
      const std::string reply = "*2\r\n" + bulk("127.0.0.1") + bulk(std::to_string(now.port()));
      co_await client.write_all(reply);
    };
    const auto knows_nothing = [](acted_state&, tcp::stream& client, int) -> task<> {
      arriving from(client);
      (void)co_await words_of(from);
      co_await client.write_all("*-1\r\n");
    };
    acted_server first(knows_nothing), second(tells);
    std::vector<redis::server_address> sentinels{endpoint::loopback(1), first.at, second.at};
    redis::client db(redis::server_address::of_master("orders", std::move(sentinels)));
    auto setting = as_result(db.command("SET", "a", "1"));
    const auto demoted = co_await std::move(setting);
    CHECK(outcome_of(demoted) == outcome(redis::errc::read_only));
    co_await db.set("a", "2");
    CHECK(second.seen[0] == words{"SENTINEL", "get-master-addr-by-name", "orders"});
    CHECK(asked_times == 3);
    CHECK(old.connections == 2);
    CHECK(fresh.seen.size() == 1);

    co_await second.close();
    redis::client_options how;
    how.command = 1s;
    std::vector<redis::server_address> one{first.at};
    redis::client lost(redis::server_address::of_master("orders", std::move(one)), std::move(how));
    auto asking = as_result(lost.command("PING"));
    const auto none = co_await std::move(asking);
    CHECK(outcome_of(none) == outcome(redis::errc::not_sent));
    CHECK(none.error().message().find("orders, which no sentinel knows") != std::string::npos);
    for (acted_server* each : {&old, &fresh, &first}) co_await each->close();
  };
  run_redis_program(true, program);
}
