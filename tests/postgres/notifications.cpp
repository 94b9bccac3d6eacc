#include "braid/postgres/notifications.hpp"

#include <string>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/postgres/connection.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "database.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("postgres::notifications: arrive in order, each at its channel", "[postgres][notifications]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection db = co_await postgres::connect(at.dsn()),
                         sends = co_await postgres::connect(at.dsn());
    postgres::notifications odd = co_await db.listen("odd \"channel\"");
    postgres::notifications even = co_await db.listen("even");
    for (int n = 0; n != 6; ++n)
      (void)co_await sends.execute("select pg_notify($1, $2)", n % 2 == 0 ? "even" : "odd \"channel\"",
                                   std::to_string(n));
    for (const char* expected : {"1", "3", "5"}) {
      const auto got = co_await odd.next();
      CHECK(got->payload == expected);
      CHECK(got->channel == "odd \"channel\"");
      CHECK(got->process == sends.server_process());
    }
    const postgres::rows between = co_await db.query("select 1");
    CHECK(between.size() == 1);
    for (const char* expected : {"0", "2", "4"}) {
      const auto got = co_await even.next();
      CHECK(got->payload == expected);
    }
    // A next() that is stopped loses nothing.
    auto waiting = as_result(with_timeout(even.next(), 1ms));
    const auto nothing = co_await std::move(waiting);
    CHECK(nothing.error() == std::errc::timed_out);
    auto both = when_all(even.next(), sends.execute("notify even, 'last'"));
    const auto last = co_await std::move(both);
    CHECK(std::get<0>(last)->payload == "last");
    co_await db.unlisten("even");
    (void)co_await sends.execute("notify even");
    auto silent = as_result(with_timeout(even.next(), 1ms));
    const auto none = co_await std::move(silent);
    CHECK(none.error() == std::errc::timed_out);
    (void)co_await sends.query("select pg_terminate_backend($1, 10000)", db.server_process());
    const auto lost = co_await as_result(odd.next());
    CHECK(lost.error() == postgres::errc::connection_lost);
  };
  braid::run(program);
}
