// Statements that are stopped, and servers that vanish.

#include <signal.h>

#include <chrono>
#include <string>

#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/postgres/connection.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "database.hpp"
#include "every_cancellation.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Waits until that server process works at a statement that contains the text.
task<> until_it_works(postgres::connection& beside, int process, std::string text) {
  for (bool works = false; !works;) {
    const postgres::rows found = co_await beside.query(
        "select 1 from pg_stat_activity where pid = $1 and state = 'active' and query like $2", process,
        "%" + text + "%");
    works = !found.empty();
  }
}

}  // namespace

TEST_CASE("postgres::connection: a statement that takes too long is cancelled", "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection db = co_await postgres::connect(at.dsn());
    const int process = db.server_process();
    co_await db.run_script("create temporary table t (n int)");
    for (int round = 0; round != 3; ++round) {
      auto slow = as_result(with_timeout(db.query("insert into t select 1 from pg_sleep(1000)"), 5ms));
      const auto ended = co_await std::move(slow);
      REQUIRE_FALSE(ended);
      CHECK(ended.error() == std::errc::timed_out);
      CHECK(ended.error().code().category() == timeout_category());
      // The next statement is not met by the cancel request.
      const postgres::rows next = co_await db.query("select count(*) from t, pg_sleep(0.002)");
      CHECK(next.value<int>() == 0);
    }
    CHECK(db.server_process() == process);  // always the same connection
  };
  braid::run(program);
}

TEST_CASE("postgres::connection: many short statements with a time-out near their end", "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection db = co_await postgres::connect(at.dsn());
    int stopped = 0;
    for (int round = 0; round != 20; ++round) {
      auto racing = as_result(
          with_timeout(db.query("select pg_sleep(0.001)"), std::chrono::microseconds(900 + 30 * round)));
      const auto ended = co_await std::move(racing);
      if (!ended) ++stopped;
      if (!ended) CHECK(ended.error() == std::errc::timed_out);
      const postgres::rows next = co_await db.query("select $1::int", round);
      CHECK(next.value<int>() == round);
    }
    CHECK(stopped <= 20);
    CHECK(db.is_open());
  };
  braid::run(program);
}

TEST_CASE("postgres::connection::cancel: the statement fails as query_canceled", "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection db = co_await postgres::connect(at.dsn());
    postgres::connection beside = co_await postgres::connect(at.dsn());
    co_await db.cancel();  // nothing to do
    const auto stops = [&]() -> task<> {
      co_await until_it_works(beside, db.server_process(), "pg_sleep");
      co_await db.cancel();
    };
    auto both = when_all_settled(db.query("select pg_sleep(1000)"), stops());
    const auto ended = co_await std::move(both);
    REQUIRE_FALSE(std::get<0>(ended));
    CHECK(std::get<0>(ended).error() == postgres::sqlstate::query_canceled);
    CHECK(std::get<1>(ended));
    const postgres::rows next = co_await db.query("select 1");
    CHECK(next.value<int>() == 1);
  };
  braid::run(program);
}

TEST_CASE("postgres::connection: stopped at each await", "[postgres]") {
  WITH_DATABASE(at);
  const std::string dsn = at.dsn();
  const auto program = [&dsn]() -> task<> {
    postgres::connection db = co_await postgres::connect(dsn);
    (void)co_await db.execute("create temporary table t (n int)");
    const postgres::rows got = co_await db.query("select $1::int", 7);
    CHECK(got.value<int>() == 7);
  };
  CHECK(every_cancellation_with_memory(program) > 3);
}

TEST_CASE("postgres::connection: closed while a statement is in progress", "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection db = co_await postgres::connect(at.dsn());
    postgres::connection beside = co_await postgres::connect(at.dsn());
    const auto closes = [&]() -> task<> {
      co_await until_it_works(beside, db.server_process(), "pg_sleep");
      db.close();
    };
    auto both = when_all_settled(db.query("select pg_sleep(1000)"), closes());
    const auto ended = co_await std::move(both);
    CHECK(std::get<0>(ended).error() == postgres::errc::outcome_unknown);
    CHECK_FALSE(db.is_open());
  };
  braid::run(program);
}

TEST_CASE("postgres::connection: the server ends the connection", "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection beside = co_await postgres::connect(at.dsn());
    {
      postgres::connection idle = co_await postgres::connect(at.dsn());
      const auto killed =
          co_await beside.query("select pg_terminate_backend($1, 10000)", idle.server_process());
      CHECK(killed.value<bool>());
      const auto ended = co_await as_result(idle.execute("create table never (n int)"));
      REQUIRE_FALSE(ended);
      CHECK(ended.error() == postgres::errc::connection_lost);
      const auto said = postgres::message_of(ended.error());
      REQUIRE(said);
      CHECK(said->code == postgres::sqlstate::admin_shutdown);
      CHECK_FALSE(idle.is_open());
      const auto again = co_await as_result(idle.execute("create table never (n int)"));
      CHECK(again.error() == postgres::errc::connection_closed);
    }
    postgres::connection busy = co_await postgres::connect(at.dsn());
    const int process = busy.server_process();
    const auto kills = [&]() -> task<> {
      co_await until_it_works(beside, process, "pg_sleep");
      (void)co_await beside.query("select pg_terminate_backend($1)", process);
    };
    auto both = when_all_settled(busy.query("select pg_sleep(1000)"), kills());
    const auto ended = co_await std::move(both);
    REQUIRE_FALSE(std::get<0>(ended));
    CHECK(std::get<0>(ended).error() == postgres::errc::outcome_unknown);
    const auto said = postgres::message_of(std::get<0>(ended).error());
    REQUIRE(said);
    CHECK(said->code == postgres::sqlstate::admin_shutdown);
    CHECK_FALSE(busy.is_open());
  };
  braid::run(program);
}

TEST_CASE("postgres::connection: a process of the server is killed", "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection busy = co_await postgres::connect(at.dsn());
    postgres::connection beside = co_await postgres::connect(at.dsn());
    const int process = busy.server_process();
    const auto kills = [&]() -> task<> {
      co_await until_it_works(beside, process, "pg_sleep");
      ::kill(process, SIGKILL);
    };
    auto both = when_all_settled(busy.query("select pg_sleep(1000)"), kills());
    const auto ended = co_await std::move(both);
    CHECK(std::get<0>(ended).error() == postgres::errc::outcome_unknown);
  };
  braid::run(program);
  at.wait_until_recovered();
  const auto again = [&]() -> task<> {
    postgres::connection db = co_await postgres::connect(at.dsn());
    const postgres::rows got = co_await db.query("select 1");
    CHECK(got.value<int>() == 1);
  };
  braid::run(again);
}
