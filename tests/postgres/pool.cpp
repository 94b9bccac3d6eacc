#include "braid/postgres/pool.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/map_concurrent.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "database.hpp"
#include "every_cancellation.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Waits until all connections are reset.
task<> until_unused(postgres::pool& of) {
  while (of.in_use() != 0) co_await yield();
}

task<int> process_of(postgres::connection& in) {
  const postgres::rows got = co_await in.query("select pg_backend_pid()");
  co_return got.value<int>();
}

}  // namespace

TEST_CASE("postgres::pool: a connection comes back as new", "[postgres][pool]") {
  WITH_DATABASE(at);
  const auto program = [&](postgres::session_reset reset) -> task<> {
    postgres::pool_options how;
    how.at_most = 1;
    how.reset = reset;
    postgres::pool pool(at.dsn(), how);
    int process = 0;
    {
      postgres::pool::lease db = co_await pool.acquire();
      process = db->server_process();
      (void)co_await db->execute("set application_name = 'changed'");
      co_await db->run_script("begin; create temporary table t (n int)");
      CHECK(pool.in_use() == 1);
    }
    co_await until_unused(pool);
    CHECK(pool.idle() == 1);
    postgres::pool::lease db = co_await pool.acquire();
    CHECK(db->server_process() == process);
    CHECK_FALSE(db->in_transaction());
    const auto table = co_await as_result(db->query("select * from t"));
    CHECK(table.error() == postgres::sqlstate::undefined_table);
    const bool is_new = db->setting("application_name") != "changed";
    CHECK(is_new == (reset == postgres::session_reset::discard_all));
  };
  braid::run(program(postgres::session_reset::discard_all));
  braid::run(program(postgres::session_reset::rollback));
}

TEST_CASE("postgres::pool: at most so many connections, and a deadline in the queue", "[postgres][pool]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::pool_options how;
    how.at_most = 2;
    postgres::pool pool(at.dsn(), how);
    std::vector<int> numbers{1, 2, 3, 4, 5, 6, 7, 8};
    std::size_t most = 0;
    const auto ask = [&](int n) -> task<int> {
      const postgres::rows got = co_await pool.query("select $1::int", n);
      most = std::max(most, pool.in_use());
      co_return got.value<int>();
    };
    auto asking = map_concurrent(numbers, 8, ask);
    const std::vector<int> got = co_await std::move(asking);
    CHECK(got == numbers);
    CHECK(most <= 2);
    co_await until_unused(pool);
    CHECK(pool.idle() == 2);
    const int process = co_await pool.transaction({}, process_of);
    CHECK(process > 0);
    const std::uint64_t affected = co_await pool.execute("select generate_series(1, $1)", 3);
    CHECK(affected == 3);
    co_await until_unused(pool);
    pool.close_idle();
    CHECK(pool.idle() == 0);
  };
  braid::run(program);
  const auto queue = [&]() -> task<> {
    postgres::pool_options how;
    how.at_most = 1;
    how.wait_within = 5ms;
    postgres::pool pool(at.dsn(), how);
    postgres::pool::lease held = co_await pool.acquire();
    const auto late = co_await as_result(pool.acquire());
    REQUIRE_FALSE(late);
    CHECK(late.error() == std::errc::timed_out);
    CHECK_THAT(late.error().message(), contains("postgres::pool::acquire all connections are in use"));
  };
  braid::run(queue);
  CHECK_THROWS_AS(([] {
                    postgres::pool_options how;
                    how.at_most = 0;
                    const postgres::pool none("", how);
                  }()),
                  std::invalid_argument);
}

TEST_CASE("postgres::pool: connections that have died are dropped", "[postgres][pool]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection beside = co_await postgres::connect(at.dsn());
    postgres::pool_options how;
    how.trusted = 0ms;  // each is asked
    how.reset = postgres::session_reset::rollback;
    postgres::pool pool(at.dsn(), how);
    int first = 0;
    {
      postgres::pool::lease db = co_await pool.acquire();
      first = db->server_process();
    }
    CHECK(pool.idle() == 1);
    const int again = co_await pool.transaction({}, process_of);
    CHECK(again == first);
    (void)co_await beside.query("select pg_terminate_backend($1, 10000)", first);
    const int other = co_await pool.transaction({}, process_of);
    CHECK(other != first);
    {
      postgres::pool::lease db = co_await pool.acquire();
      db->close();
    }
    CHECK(pool.idle() == 0);
    std::optional<postgres::pool::lease> outlives;
    {
      postgres::pool brief(at.dsn(), how);
      outlives = co_await brief.acquire();
    }
    const int alive = co_await process_of(**outlives);
    CHECK(alive > 0);
  };
  braid::run(program);
}

TEST_CASE("postgres::pool: stopped at each await", "[postgres][pool]") {
  WITH_DATABASE(at);
  const std::string dsn = at.dsn();
  const auto program = [&dsn]() -> task<> {
    postgres::pool_options how;
    how.at_most = 1;
    how.trusted = 0ms;
    postgres::pool pool(dsn, how);
    for (int n = 0; n != 2; ++n) {
      const postgres::rows got = co_await pool.query("select $1::int", n);
      CHECK(got.value<int>() == n);
    }
  };
  CHECK(every_cancellation_with_memory(program) > 5);
}
