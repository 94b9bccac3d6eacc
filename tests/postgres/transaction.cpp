#include "braid/postgres/transaction.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/style/run.hpp"
#include "braid/sync/latch.hpp"
#include "catch.hpp"
#include "database.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

task<int> add_and_count(postgres::connection& in, int n) {
  (void)co_await in.execute("insert into t values ($1)", n);
  const postgres::rows counted = co_await in.query("select count(*) from t");
  co_return counted.value<int>();
}
task<> add_and_throw(postgres::connection& in, int n) {
  (void)co_await add_and_count(in, n);
  throw std::runtime_error("enough");
}
task<> add_and_sleep(postgres::connection& in, int n) {
  (void)co_await add_and_count(in, n);
  (void)co_await in.query("select pg_sleep(1000)");
}
task<> swallow(postgres::connection& in) { (void)co_await as_result(in.query("select 1/0")); }
task<> lose(postgres::connection& in, postgres::connection* beside) {
  (void)co_await beside->query("select pg_terminate_backend($1, 10000)", in.server_process());
  (void)co_await in.query("select 1");
}

}  // namespace

TEST_CASE("postgres::transaction: commits, or rolls back", "[postgres][transaction]") {
  WITH_DATABASE(at);
  IN_EVERY_STYLE(style);
  loop here;
  auto made = style.wait(postgres::connect(at.dsn()));
  REQUIRE(made);
  postgres::connection& db = *made;
  REQUIRE(style.wait(db.run_script("create temporary table t (n int unique deferrable initially deferred)")));
  CHECK(style.wait(postgres::transaction(db, {}, add_and_count, 1)) == 1);
  CHECK(style.wait(postgres::transaction(db, {}, add_and_throw, 2)).error().message() == "enough");
  CHECK_FALSE(db.in_transaction());
  const auto late = style.wait(with_timeout(postgres::transaction(db, {}, add_and_sleep, 3), 5ms));
  CHECK(late.error() == std::errc::timed_out);
  CHECK_FALSE(db.in_transaction());
  CHECK(style.wait(postgres::transaction(db, {}, swallow)).error() == postgres::errc::rolled_back);
  // The commit finds that 1 is there already.
  CHECK(style.wait(postgres::transaction(db, {}, add_and_count, 1)).error() ==
        postgres::sqlstate::unique_violation);
  postgres::transaction_options how;
  how.level = postgres::isolation::serializable;
  how.read_only = true;
  how.deferrable = true;
  const auto writes = style.wait(postgres::transaction(
      db, how, [](postgres::connection& in) { return in.execute("create table never (n int)"); }));
  CHECK(writes.error() == postgres::sqlstate::read_only_sql_transaction);
  CHECK(style.wait(postgres::transaction(db, {}, add_and_count, 4)) == 2);
  REQUIRE(style.wait(db.run_script("begin")));
  CHECK_THAT(style.wait(postgres::transaction(db, {}, add_and_count, 5)).error().message(),
             contains("open already"));
}

TEST_CASE("postgres::transaction: a serialization failure and a deadlock are tried again",
          "[postgres][transaction]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection a = co_await postgres::connect(at.dsn()), b = co_await postgres::connect(at.dsn());
    co_await a.run_script(
        "create table accounts (id int primary key, cents int); insert into accounts values (1, 0), (2, 0)");
    latch first_round(2);
    int calls = 0;
    // Both read before either writes, in the first round.
    const auto add = [&](postgres::connection& in, int turn) -> task<> {
      ++calls;
      const postgres::rows now = co_await in.query("select sum(cents) from accounts");
      if (!first_round.try_wait()) {
        first_round.count_down();
        co_await first_round.wait();
      }
      (void)co_await in.execute("update accounts set cents = $1 where id = $2", now.value<int>() + 1, turn);
    };
    postgres::transaction_options how;
    how.level = postgres::isolation::serializable;
    how.again.base = 1us;
    auto both = when_all(postgres::transaction(a, how, add, 1), postgres::transaction(b, how, add, 2));
    co_await std::move(both);
    CHECK(calls >= 3);
    const postgres::rows sum = co_await a.query("select min(cents), max(cents) from accounts");
    CHECK(sum[0].as<int, int>() == std::tuple(1, 2));  // as one after the other

    latch locked(2);
    calls = 0;
    const auto lock_both = [&](postgres::connection& in, int first) -> task<> {
      ++calls;
      (void)co_await in.execute("update accounts set cents = 0 where id = $1", first);
      if (!locked.try_wait()) {
        locked.count_down();
        co_await locked.wait();
      }
      (void)co_await in.execute("update accounts set cents = 0 where id = $1", 3 - first);
    };
    auto dead =
        when_all(postgres::transaction(a, how, lock_both, 1), postgres::transaction(b, how, lock_both, 2));
    co_await std::move(dead);
    CHECK(calls >= 3);
    how.again.attempts = 1;
    const auto fails = [&](postgres::connection& in) -> task<> {
      (void)co_await in.execute("do $$ begin raise exception using errcode = '40001'; end $$");
    };
    const auto once = co_await as_result(postgres::transaction(a, how, fails));
    CHECK(once.error() == postgres::sqlstate::serialization_failure);
    co_await a.run_script("drop table accounts");
  };
  braid::run(program);
}

TEST_CASE("postgres::transaction: a connection that is lost before the commit", "[postgres][transaction]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection db = co_await postgres::connect(at.dsn()),
                         beside = co_await postgres::connect(at.dsn());
    const auto ended = co_await as_result(postgres::transaction(db, {}, lose, &beside));
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == postgres::errc::connection_lost);
    CHECK_FALSE(db.is_open());
  };
  braid::run(program);
}

TEST_CASE("postgres::transaction: stopped at each await", "[postgres][transaction]") {
  WITH_DATABASE(at);
  const std::string dsn = at.dsn();
  const auto program = [&dsn]() -> task<> {
    postgres::connection db = co_await postgres::connect(dsn);
    co_await db.run_script("create temporary table t (n int)");
    const int count = co_await postgres::transaction(db, {}, add_and_count, 1);
    CHECK(count == 1);
    CHECK_FALSE(db.in_transaction());
  };
  CHECK(every_cancellation_with_memory(program) > 5);
}

TEST_CASE("postgres::statement: is prepared once and used often", "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection db = co_await postgres::connect(at.dsn()),
                         other = co_await postgres::connect(at.dsn());
    const postgres::statement twice = co_await db.prepare("select 2 * $1::int");
    for (int n = 0; n != 3; ++n) {
      const postgres::rows got = co_await db.query(twice, n);
      CHECK(got.value<int>() == 2 * n);
    }
    const std::uint64_t affected = co_await db.execute(twice, std::nullopt);
    CHECK(affected == 1);
    const auto elsewhere = co_await as_result(other.query(twice, 1));
    CHECK_THAT(elsewhere.error().message(), contains("another connection"));
    const auto wrong = co_await as_result(db.prepare("select nothing"));
    CHECK(wrong.error() == postgres::sqlstate::undefined_column);
    co_await db.forget(twice);
    const auto gone = co_await as_result(db.query(twice, 1));
    CHECK(gone.error() == postgres::sqlstate("26000"));
  };
  braid::run(program);
}
