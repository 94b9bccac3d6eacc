#include "braid/postgres/pipeline.hpp"

#include <chrono>
#include <string>
#include <vector>

#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "database.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

using number_future = future<postgres::rows>;

// Statements in flight, each with its own number.
std::vector<number_future> ask_numbers(postgres::pipeline& line, int first, int count) {
  std::vector<number_future> asked;
  for (int n = first; n != first + count; ++n) asked.push_back(spawn(line.query("select $1::int", n)));
  return asked;
}

task<> check_numbers(std::vector<number_future>& asked, int first) {
  for (number_future& each : asked) {
    const postgres::rows got = co_await std::move(each);
    CHECK(got.value<int>() == first++);
  }
}

task<int> count_of(postgres::connection& db) {
  const postgres::rows got = co_await db.query("select count(*) from t");
  co_return got.value<int>();
}

task<> many_in_flight(const std::string& dsn) {
  postgres::connection db = co_await postgres::connect(dsn);
  const postgres::statement doubled = co_await db.prepare("select 2 * $1::int");
  {
    postgres::pipeline_options how;
    how.at_most = 100;
    postgres::pipeline line(db, how);
    std::vector<number_future> asked = ask_numbers(line, 0, 500);
    CHECK(line.in_flight() == 100);
    CHECK(line.waiting() == 400);
    const auto second = co_await as_result(db.query("select 1"));
    CHECK_THAT(second.error().message(), contains("one operation at a time"));
    co_await check_numbers(asked, 0);
    const postgres::rows fourteen = co_await line.query(doubled, 7);
    CHECK(fourteen.value<int>() == 14);
    postgres::batch none;
    const std::vector<postgres::rows> nothing = co_await line.run(std::move(none));
    CHECK(nothing.empty());
    co_await line.end();
    co_await line.end();
    const auto ended = co_await as_result(line.query("select 1"));
    CHECK_THAT(ended.error().message(), contains("it has ended"));
    const postgres::rows still = co_await db.query("select 1");
    CHECK(still.value<int>() == 1);
  }
  {
    postgres::pipeline line(db);
    const postgres::rows again = co_await line.query("select 2");
    CHECK(again.value<int>() == 2);
  }
  const postgres::rows still = co_await db.query(doubled, 4);
  CHECK(still.value<int>() == 8);
}

task<> pipeline_failures(const std::string& dsn) {
  postgres::connection db = co_await postgres::connect(dsn);
  co_await db.run_script("create temporary table t (n int primary key deferrable initially deferred)");
  postgres::pipeline line(db);
  auto three = when_all_settled(line.execute("insert into t values (1)"), line.query("select 1 / 0"),
                                line.execute("insert into t values (2)"));
  const auto ended = co_await std::move(three);
  CHECK(std::get<0>(ended).value() == 1);
  CHECK(std::get<1>(ended).error() == postgres::sqlstate("22012"));
  CHECK(std::get<2>(ended).value() == 1);
  // A batch is one transaction.
  postgres::batch good, bad, late;
  good.add("insert into t values (3)");
  good.add("select count(*) from t");
  bad.add("insert into t values (4)");
  bad.add("select nothing");
  bad.add("insert into t values (5)");
  late.add("insert into t values (3)");
  late.add("insert into t values (6)");
  auto batches = when_all_settled(line.run(std::move(good)), line.run(std::move(bad)),
                                  line.run(std::move(late)), line.query("select sum(n) from t"));
  const auto got = co_await std::move(batches);
  REQUIRE(std::get<0>(got));
  CHECK(std::get<0>(got)->at(0).affected() == 1);
  CHECK(std::get<0>(got)->at(1).value<int>() == 3);
  CHECK(std::get<1>(got).error() == postgres::sqlstate::undefined_column);
  CHECK_THAT(std::get<1>(got).error().message(), contains("statement 2 of 3"));
  CHECK(std::get<2>(got).error() == postgres::sqlstate::unique_violation);
  CHECK_THAT(std::get<2>(got).error().message(), contains("at the commit"));
  CHECK(std::get<3>(got)->value<int>() == 6);
  const std::string zero("a\0b", 3);
  const auto refused = co_await as_result(line.query("select $1", zero));
  CHECK_THAT(refused.error().message(), contains("zero byte"));
  co_await line.end();
  const int count = co_await count_of(db);
  CHECK(count == 3);
}

// Waits that end early shift no result of others.
task<> stopped_waits(const std::string& dsn) {
  postgres::connection db = co_await postgres::connect(dsn);
  (void)co_await db.execute("create temporary table t (n int)");
  postgres::pipeline_options how;
  how.at_most = 2;
  postgres::pipeline line(db, how);
  auto sent = as_result(with_timeout(line.query("insert into t select 1 from pg_sleep(0.05)"), 5ms));
  auto waits = as_result(with_timeout(line.execute("insert into t values (2)"), 5ms));
  auto never = as_result(with_timeout(line.execute("insert into t values (3)"), 5ms));
  auto all = when_all(std::move(sent), std::move(waits), std::move(never), line.query("select 4"));
  const auto ended = co_await std::move(all);
  CHECK(std::get<0>(ended).error() == std::errc::timed_out);
  CHECK(std::get<1>(ended).error() == std::errc::timed_out);
  CHECK(std::get<2>(ended).error() == std::errc::timed_out);
  CHECK(std::get<3>(ended).value<int>() == 4);
  for (int round = 0; round != 20; ++round) {
    auto racing = as_result(with_timeout(line.query("select pg_sleep(0.001)"), 50us * round));
    auto both = when_all(std::move(racing), line.query("select $1::int", round));
    const auto raced = co_await std::move(both);
    CHECK(std::get<1>(raced).value<int>() == round);
  }
  co_await line.end();
  const int count = co_await count_of(db);
  CHECK(count == 2);  // those that were sent
}

// Both directions are full at the same time.
task<> large_ones(const std::string& dsn) {
  postgres::connection db = co_await postgres::connect(dsn);
  postgres::pipeline line(db);
  std::vector<number_future> asked;
  for (int n = 0; n != 40; ++n)
    asked.push_back(
        spawn(line.query("select $1::text", std::string(300000, static_cast<char>('a' + n % 26)))));
  postgres::batch parts;
  for (int n = 0; n != 40; ++n) parts.add("select $1::text || $2::int", std::string(200000, 'x'), n);
  const std::vector<postgres::rows> together = co_await line.run(std::move(parts));
  REQUIRE(together.size() == 40);
  for (std::size_t n = 0; n != 40; ++n)
    CHECK(together[n].value<std::string>() == std::string(200000, 'x') + std::to_string(n));
  for (int n = 0; n != 40; ++n) {
    const postgres::rows got = co_await std::move(asked[static_cast<std::size_t>(n)]);
    CHECK(got.value<std::string_view>() == std::string(300000, static_cast<char>('a' + n % 26)));
  }
}

task<> lost_connections(const std::string& dsn) {
  postgres::connection beside = co_await postgres::connect(dsn), db = co_await postgres::connect(dsn);
  postgres::pipeline_options how;
  how.at_most = 2;
  {
    postgres::pipeline line(db, how);
    auto all = when_all_settled(line.query("select pg_terminate_backend(pg_backend_pid())"),
                                line.query("select 2"), line.query("select 3"));
    const auto ended = co_await std::move(all);
    CHECK(std::get<0>(ended).error() == postgres::errc::outcome_unknown);
    CHECK(postgres::message_of(std::get<0>(ended).error())->code == postgres::sqlstate::admin_shutdown);
    CHECK(std::get<1>(ended).error() == postgres::errc::outcome_unknown);
    CHECK(std::get<2>(ended).error() == postgres::errc::connection_lost);
    const auto closed = co_await as_result(line.query("select 1"));
    CHECK(closed.error() == postgres::errc::connection_closed);
    co_await line.end();
    CHECK_FALSE(db.is_open());
  }
  db = co_await postgres::connect(dsn);
  {
    postgres::pipeline line(db);
    (void)co_await beside.query("select pg_terminate_backend($1, 10000)", db.server_process());
    const auto lost = co_await as_result(line.query("select 1"));
    CHECK(lost.error() == postgres::errc::connection_lost);
  }
  db = co_await postgres::connect(dsn);
  {
    postgres::pipeline line(db);
    auto both = when_all_settled(line.query("copy (select 1) to stdout"), line.query("select 1"));
    const auto copied = co_await std::move(both);
    CHECK_THAT(std::get<0>(copied).error().suppressed().front().message(), contains("COPY"));
    CHECK(std::get<1>(copied).error() == postgres::errc::outcome_unknown);
  }
  CHECK_FALSE(db.is_open());
  db = co_await postgres::connect(dsn);
  {
    postgres::pipeline line(db);
    auto slow = as_result(with_timeout(line.query("select pg_sleep(1000)"), 1ms));
    const auto left = co_await std::move(slow);
    CHECK(left.error() == std::errc::timed_out);
    CHECK(line.in_flight() == 1);
    auto ending = as_result(with_timeout(line.end(), 1ms));
    const auto ended = co_await std::move(ending);
    CHECK(ended.error() == std::errc::timed_out);
  }
  CHECK_FALSE(db.is_open());
  db = co_await postgres::connect(dsn);
  {
    postgres::pipeline line(db);
    auto slow = as_result(with_timeout(line.query("select pg_sleep(1000)"), 1ms));
    const auto left = co_await std::move(slow);
    CHECK_FALSE(left);
  }  // an answer is missing
  CHECK_FALSE(db.is_open());
}

}  // namespace

TEST_CASE("postgres::pipeline: many statements are in flight, and their results come in order",
          "[postgres][pipeline]") {
  WITH_DATABASE(at);
  braid::run(many_in_flight(at.dsn()));
  braid::run(large_ones(at.dsn()));
}

TEST_CASE("postgres::pipeline: a statement that fails ends its own operation", "[postgres][pipeline]") {
  WITH_DATABASE(at);
  braid::run(pipeline_failures(at.dsn()));
}

TEST_CASE("postgres::pipeline: waits that are stopped, and lost connections", "[postgres][pipeline]") {
  WITH_DATABASE(at);
  braid::run(stopped_waits(at.dsn()));
  braid::run(lost_connections(at.dsn()));
}

TEST_CASE("postgres::pipeline: in every style", "[postgres][pipeline]") {
  WITH_DATABASE(at);
  IN_EVERY_STYLE(style);
  loop here;
  auto db = style.wait(postgres::connect(at.dsn()));
  REQUIRE(db);
  postgres::pipeline line(*db);
  const auto got = style.wait(line.query("select 7"));
  REQUIRE(got);
  CHECK(got->value<int>() == 7);
  CHECK(style.wait(line.end()));
}

TEST_CASE("postgres::pipeline: stopped at each await", "[postgres][pipeline]") {
  WITH_DATABASE(at);
  const std::string dsn = at.dsn();
  const auto program = [&dsn]() -> task<> {
    postgres::connection db = co_await postgres::connect(dsn);
    {
      postgres::pipeline line(db);
      auto both = when_all(line.query("select 1"), line.query("select 2"));
      const auto got = co_await std::move(both);
      CHECK(std::get<1>(got).value<int>() == 2);
      co_await line.end();
    }
    (void)co_await db.execute("select 1");
  };
  CHECK(every_cancellation_with_memory(program) > 3);
}
