#include "braid/redis/subscription.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "acted_server.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/redis/client.hpp"
#include "braid/style/async_range.hpp"
#include "every_cancellation.hpp"
#include "server_process.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

static_assert(async_range<redis::subscription>);

namespace {

std::string subscribed_reply(const std::string& channel) {
  return "*3\r\n" + bulk("subscribe") + bulk(channel) + ":1\r\n";
}
std::string message_reply(const std::string& channel, const std::string& text) {
  return "*3\r\n" + bulk("message") + bulk(channel) + bulk(text);
}
task<std::string> next_text(redis::subscription& from) {
  const std::optional<redis::message> one = co_await from.next();
  if (!one) co_return "(end)";
  co_return one->is_gap ? "(gap)" : one->channel + ": " + one->text;
}

task<words> next_texts(redis::subscription& from, int n) {
  words all;
  for (int i = 0; i < n; ++i) {
    std::string one = co_await next_text(from);
    all.push_back(std::move(one));
  }
  co_return all;
}

// [sample]
task<> follow_prices(redis::client& db, std::map<std::string, std::string>& prices) {
  redis::topics wanted;
  wanted.patterns = {"price.*"};
  redis::subscription changes = co_await db.subscribe(std::move(wanted));
  for (bool more = true; more;) {
    const std::optional<redis::message> each = co_await changes.next();
    more = each && each->text != "closed";
    if (more && each->is_gap) prices.clear();  // some may be missing: they are looked up again
    if (more && !each->is_gap) prices[each->channel] = each->text;
  }
}
// [/sample]

}  // namespace

TEST_CASE("redis::subscription: messages, a gap after a lost connection, and messages again", "[redis]") {
  const auto program = []() -> task<> {
    const auto publishes = [](acted_state& self, tcp::stream& client, int n) -> task<> {
      arriving from(client);
      co_await greet(from, client);
      const auto asked = co_await words_of(from);
      self.seen.push_back(asked.value());
      const std::string all = subscribed_reply("a") + subscribed_reply("b") +
                              message_reply("a", std::to_string(n)) + message_reply("b", std::to_string(n));
      co_await client.write_all(all);
      if (n > 0) co_await ignore(self, from);
    };
    acted_server server(publishes);
    redis::client_options how;
    how.silence = 1s;
    redis::client db(server.at, std::move(how));
    redis::subscription news = co_await db.subscribe("a", "b");
    CHECK(server.seen == std::vector<words>{{"SUBSCRIBE", "a", "b"}});
    words got = co_await next_texts(news, 5);
    CHECK(got == words{"a: 0", "b: 0", "(gap)", "a: 1", "b: 1"});
    CHECK(news.is_connected());
    // The second connection stays, and says nothing, not even to a PING.
    const auto before = loop_clock::now();
    got = co_await next_texts(news, 2);
    CHECK(got == words{"(gap)", "a: 2"});
    const auto took = loop_clock::now() - before;
    CHECK((took >= 2s && took < 3s));
    CHECK(server.seen[2] == words{"PING"});

    // While the server is down each next() ends, and the range goes on.
    co_await server.close();
    const std::string left = co_await next_text(news);
    CHECK(left == "b: 2");
    for (int i = 0; i < 2; ++i) {
      auto waiting = as_result(with_timeout(news.next(), 20s));
      const auto down = co_await std::move(waiting);
      CHECK(down.error() == redis::errc::no_connection);
      CHECK(!down.error().suppressed().empty());
    }
    server.revive();
    const std::string back = co_await next_text(news);
    CHECK(back == "(gap)");
    news.close();
    std::string last;
    while (last != "(end)") last = co_await next_text(news);
    co_await server.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::subscription: a refusal, a server that is down, and wrong arguments are errors",
          "[redis]") {
  const auto program = []() -> task<> {
    const auto refuses = [](acted_state& self, tcp::stream& client, int) -> task<> {
      arriving from(client);
      co_await greet(from, client);
      (void)co_await words_of(from);
      co_await client.write_all("-NOPERM this user has no permissions to access one of the channels\r\n");
      co_await ignore(self, from);
    };
    acted_server server(refuses);
    redis::client_options how;
    how.command = 1s;
    redis::client db(server.at, std::move(how));
    auto subscribing = as_result(db.subscribe("a"));
    const auto refused = co_await std::move(subscribing);
    CHECK(refused.error() == redis::errc::no_permission);
    auto wrongly = as_result(db.subscribe(redis::topics()));
    const auto wrong = co_await std::move(wrongly);
    CHECK(wrong.error().message() == "redis::subscribe: no channel and no pattern");
    co_await server.close();
    auto down = as_result(db.subscribe("a"));
    const auto none = co_await std::move(down);
    CHECK(none.error() == redis::errc::not_sent);
    CHECK(none.error().suppressed().front() == std::errc::connection_refused);
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::subscription: a reader that does not keep up holds up the server, and loses nothing",
          "[redis]") {
  const auto program = []() -> task<> {
    const auto floods = [](acted_state& self, tcp::stream& client, int) -> task<> {
      arriving from(client);
      co_await greet(from, client);
      (void)co_await words_of(from);
      std::string all = subscribed_reply("a");
      for (int n = 0; n < 1000; ++n) all += message_reply("a", std::to_string(n));
      co_await client.write_all(all);
      co_await ignore(self, from);
    };
    acted_server server(floods);
    redis::client_options how;
    how.silence = 1s;
    redis::client db(server.at, std::move(how));
    redis::topics wanted;
    wanted.channels = {"a"};
    wanted.ahead = 10;
    redis::subscription all = co_await db.subscribe(std::move(wanted));
    co_await sleep_for(30s);
    int right = 0;
    for (int n = 0; n < 1000; ++n) {
      // A cancelled next() takes none.
      auto brief = as_result(with_timeout(next_text(all), 0s));
      const auto got = co_await std::move(brief);
      std::string text = got ? *got : "";
      if (!got) text = co_await next_text(all);
      right += text == "a: " + std::to_string(n) ? 1 : 0;
    }
    CHECK(right == 1000);
    CHECK(server.connections == 1);
    co_await server.close();
  };
  run_redis_program(true, program);
}

TEST_CASE("redis::subscription: every cancellation of a small program", "[redis][exact]") {
  const auto program = []() -> task<> {
    const auto publishes = [](acted_state& self, tcp::stream& client, int) -> task<> {
      arriving from(client);
      const bool is_greeted = co_await greet(from, client);
      const auto asked = co_await words_of(from);
      if (!is_greeted || !asked) co_return;
      const std::string all = subscribed_reply("a") + message_reply("a", "1") + message_reply("a", "2");
      co_await client.write_all(all);
      co_await ignore(self, from);
    };
    acted_server server(publishes);
    redis::client db(server.at);
    redis::subscription news = co_await db.subscribe("a");
    const std::string one = co_await next_text(news), two = co_await next_text(news);
    if (one != "a: 1" || two != "a: 2") throw std::logic_error("a message is lost");
    news.close();
    co_await server.close();
  };
  CHECK(every_cancellation_with_memory(program) > 5);
}

TEST_CASE("redis::subscription: with a real server, which is killed", "[redis][server]") {
  if (!has_server("redis-server")) return;
  const auto program = []() -> task<> {
    server_process server;
    co_await server.start();
    redis::client_options how;
    how.command = 60s;
    redis::client db(server.at(), std::move(how));
    redis::topics wanted;
    wanted.channels = {"news"};
    wanted.patterns = {"user.*"};
    redis::subscription news = co_await db.subscribe(std::move(wanted));
    const auto first = co_await db.publish("news", "one");
    CHECK(first == 1);
    (void)co_await db.publish("user.7", "two");
    const words got = co_await next_texts(news, 2);
    CHECK(got == words{"news: one", "user.7: two"});
    co_await server.kill();
    co_await server.start();
    const std::string gap = co_await next_text(news);
    CHECK(gap == "(gap)");
    const auto again = co_await db.publish("news", "three");
    CHECK(again == 1);
    const std::string three = co_await next_text(news);
    CHECK(three == "news: three");

    std::map<std::string, std::string> prices;
    const auto publishes = [&]() -> task<> {
      std::int64_t heard = 0;
      while (heard == 0) heard = co_await db.publish("price.tea", "7");
      (void)co_await db.publish("price.all", "closed");
    };
    auto both = when_all(follow_prices(db, prices), publishes());
    co_await std::move(both);
    CHECK(prices == std::map<std::string, std::string>{{"price.tea", "7"}});
  };
  braid::run(program());
}
