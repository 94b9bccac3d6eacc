// Connecting, to a server and to what is none.

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/net/resolve.hpp"
#include "braid/net/unix_domain.hpp"
#include "braid/postgres/connection.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "database.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// A message of the server's: its kind, its length, its content.
std::string message(char kind, std::string_view content) {
  std::string made(1, kind);
  const auto size = static_cast<std::uint32_t>(content.size() + 4);
  for (const int shift : {24, 16, 8, 0}) made += static_cast<char>(size >> shift);
  return made.append(content);
}
std::string zeros(std::string_view text) {  // "~" stands for a zero byte
  std::string made(text);
  for (char& each : made) each = each == '~' ? '\0' : each;
  return made;
}

const std::string& greeting() {
  static const std::string made = message('R', zeros("~~~~")) + message('S', zeros("server_version~15.0~")) +
                                  message('S', zeros("client_encoding~UTF8~")) +
                                  message('K', "\1\2\3\4\5\6\7\7") + message('Z', "I");
  return made;
}
// One row with one column, an int4 as text: 42.
const std::string& reply() {
  static const std::string made =
      message('1', "") + message('2', "") +
      message('T', zeros("~\1n~~~~~~~~~~\27~\4") + std::string("\xff\xff\xff\xff", 4) + zeros("~~")) +
      message('D', zeros("~\1~~~\2") + "42") + message('C', zeros("SELECT 1~")) + message('Z', "I");
  return made;
}

// A server that speaks by a script: says one thing to each start, and another to each statement, then closes.
struct pretender {
  pretender() : door(unix_domain::listen_now((folder / ".s.PGSQL.5432").string())) {}
  [[nodiscard]] std::string dsn() const { return "host=" + folder.path().string() + " user=ann"; }
  task<> serve(std::string first, std::string second) {
    const unix_domain::stream client = co_await door.accept();
    std::array<char, 1024> part;
    const auto asked = co_await as_result(client.read_some(part));
    (void)co_await as_result(client.write_all(first));
    if (first != greeting()) co_return;
    const auto stated = co_await as_result(client.read_some(part));
    if (stated && *stated != 0) (void)co_await as_result(client.write_all(second));
    (void)asked;
  }
  scratch_folder folder;
  unix_domain::listener door;
};

// What a client gets of a server that says these things: the error, or none if it got 42.
std::optional<error> visit(pretender& at, std::string first, std::string second) {
  std::optional<error> failed;
  const auto client = [&]() -> task<> {
    auto connecting = as_result(postgres::connect(at.dsn()));
    auto db = co_await std::move(connecting);
    if (!db) {
      failed = db.error();
      co_return;
    }
    const auto got = co_await as_result(db->query("select 42 as n"));
    if (!got) {
      failed = got.error();
      CHECK_FALSE(db->in_transaction());
    } else {
      const auto value = capture([&] { return got->value<int>(); });
      if (!value)
        failed = value.error();
      else if (*value != 42)
        failed = error(std::errc::bad_message);
    }
  };
  auto both = when_all(at.serve(std::move(first), std::move(second)), client());
  braid::run(std::move(both));
  return failed;
}

}  // namespace

TEST_CASE("postgres::connect: the connection is closed at each byte", "[postgres][connect]") {
  pretender at;
  CHECK_FALSE(visit(at, greeting(), reply()));
  for (std::size_t n = 0; n != greeting().size(); ++n) {
    INFO("after " << n << " bytes of the greeting");
    const auto failed = visit(at, greeting().substr(0, n), reply());
    REQUIRE(failed);
    CHECK(*failed == postgres::errc::connect_failed);
    CHECK(failed->message().size() > 30);
  }
  for (std::size_t n = 0; n != reply().size(); ++n) {
    INFO("after " << n << " bytes of the reply");
    const auto failed = visit(at, greeting(), reply().substr(0, n));
    REQUIRE(failed);
    CHECK(*failed == postgres::errc::outcome_unknown);
  }
}

TEST_CASE("postgres::connect: garbage ends in an error, or in another value", "[postgres][connect]") {
  pretender at;
  std::mt19937 random(7);
  for (int round = 0; round != 300; ++round) {
    std::string first = greeting(), second = reply();
    std::string& spoilt = round % 2 == 0 ? second : first;
    if (round % 3 == 0) {
      for (char& each : spoilt) each = static_cast<char>(random());
    } else {
      for (unsigned n = 1 + random() % 3; n != 0; --n)
        spoilt[random() % spoilt.size()] ^= static_cast<char>(1 + random() % 255);
    }
    INFO("round " << round);
    const auto failed = visit(at, first, second);
    if (failed) CHECK(failed->message().size() > 10);
  }
}

TEST_CASE("postgres::connect: a server that says nothing", "[postgres][connect]") {
  IN_EVERY_STYLE(style);
  loop here;
  pretender at;
  postgres::connection_options how;
  how.connect_within = 10ms;
  const auto ended = style.wait(postgres::connect(at.dsn(), how));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::timed_out);
  CHECK(ended.error().code().category() == timeout_category());
  CHECK_THAT(ended.error().message(), contains("postgres::connect " + at.folder.path().string()));
}

TEST_CASE("postgres::connection: a server that falls silent", "[postgres][connect]") {
  const auto program = []() -> task<> {
    pretender at;
    postgres::connection_options how;
    how.cancel_within = 30ms;
    auto greets = at.door.accept();
    const auto server = [&](unix_domain::stream& peer) -> task<> {
      peer = co_await std::move(greets);
      std::array<char, 1024> part;
      (void)co_await peer.read_some(part);
      co_await peer.write_all(greeting());
    };
    unix_domain::stream peer;
    auto both = when_all(postgres::connect(at.dsn(), how), server(peer));
    auto made = co_await std::move(both);
    postgres::connection& db = std::get<0>(made);
    auto waiting = as_result(with_timeout(db.query("select 1"), 5ms));
    const auto ended = co_await std::move(waiting);
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == postgres::errc::outcome_unknown);
    CHECK_THAT(ended.error().message(), contains("cancel request"));
    CHECK_FALSE(db.is_open());
  };
  braid::run(program);
}

TEST_CASE("postgres::connect: what cannot work", "[postgres][connect]") {
  IN_EVERY_STYLE(style);
  loop here;
  const auto fails = [&](const std::string& to) {
    const auto ended = style.wait(postgres::connect(to));
    REQUIRE_FALSE(ended);
    return ended.error();
  };
  CHECK(fails("host=/nowhere").message().find("/nowhere") != std::string::npos);
  CHECK(fails("host=/nowhere") == postgres::errc::connect_failed);
  CHECK(fails("host=127.0.0.1 port=1") == postgres::errc::connect_failed);
  CHECK_THAT(fails("what is this").message(), contains("postgres::connect: missing \"=\""));
  CHECK_THAT(fails("nonsense=1").message(), contains("nonsense"));
  CHECK_THAT(fails("service=mine").message(), contains("PGSERVICE"));
  CHECK_THAT(fails("connect_timeout=soon").message(), contains("connect_timeout"));
  CHECK_THAT(fails(std::string("host=a\0b", 8)).message(), contains("zero byte"));
  CHECK(fails("host=no.such.host.invalid").code().category() == resolve_category());
}

TEST_CASE("postgres::connect: by a host's name, and what the server refuses", "[postgres][connect]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    const std::string over_tcp =
        "host=no.such.host.invalid,localhost,/nowhere port=" + at.port() + " user=braid dbname=postgres";
    postgres::connection db = co_await postgres::connect(over_tcp);
    const postgres::rows got = co_await db.query("select host(inet_server_addr())");
    CHECK(got.value<std::string>() == "127.0.0.1");
    postgres::connection_options how;
    how.parameters = {{"dbname", "no_such_database"}, {"application_name", "test"}};
    const auto refused = co_await as_result(postgres::connect(at.dsn(), how));
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == postgres::errc::connect_failed);
    CHECK_THAT(refused.error().message(), contains("\"no_such_database\" does not exist"));
  };
  braid::run(program);
}
