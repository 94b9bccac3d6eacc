// The code of docs/postgres.md.

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/postgres/connection.hpp"
#include "braid/postgres/pipeline.hpp"
#include "braid/postgres/pool.hpp"
#include "braid/postgres/transaction.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "database.hpp"

using namespace std::chrono_literals;
namespace postgres = braid::postgres;

namespace {

// [connect]
braid::task<postgres::connection> open_shop(std::string server) {
  postgres::connection_options how;
  how.parameters["application_name"] = "shop";
  how.connect_within = 3s;
  postgres::connection db = co_await postgres::connect(std::move(server), how);
  co_await db.run_script(
      "create temporary table orders (id int8 generated always as identity, item text, price float8,"
      " tags text[], unique (item))");
  co_return db;
}
// [/connect]

// [query]
braid::task<std::int64_t> add_order(postgres::connection& db, std::string item, std::optional<double> price) {
  const std::vector<std::string> tags{"new", "web"};
  const postgres::rows made = co_await db.query(
      "insert into orders (item, price, tags) values ($1, $2, $3) returning id", item, price, tags);
  co_return made.value<std::int64_t>();
}

braid::task<double> total(postgres::connection& db) {
  double sum = 0;
  const postgres::rows found = co_await db.query("select item, price from orders where 'web' = any (tags)");
  for (const postgres::row each : found) sum += each.get<std::optional<double>>("price").value_or(0);
  co_return sum;
}
// [/query]

// [errors]
braid::task<std::string> try_order(postgres::connection& db, std::string item) {
  auto adding = braid::as_result(braid::with_timeout(add_order(db, std::move(item), 1.0), 2s));
  const braid::result<std::int64_t> added = co_await std::move(adding);
  if (added) co_return "added";
  if (added.error() == postgres::sqlstate::unique_violation)
    co_return "refused by " + postgres::message_of(added.error())->constraint;
  if (added.error() == std::errc::timed_out) co_return "not added: it took too long";
  if (added.error() == postgres::errc::outcome_unknown) co_return "look whether it is there";
  added.error().rethrow();
}
// [/errors]

// [transaction]
braid::task<double> raise(postgres::connection& in, std::string item, double by) {
  (void)co_await in.execute("update orders set price = price + $2 where item = $1", item, by);
  const postgres::rows now = co_await in.query("select sum(price) from orders");
  const double sum = now.value<double>();
  if (sum > 100) throw std::runtime_error("too dear");  // nothing has changed
  co_return sum;
}

braid::task<double> raise_tea(postgres::connection& db) {
  postgres::transaction_options how;
  how.level = postgres::isolation::serializable;
  co_return co_await postgres::transaction(db, how, raise, "tea", 0.5);
}
// [/transaction]

// [pool]
braid::task<int> ask_three_times(std::string server) {
  postgres::pool_options how;
  how.at_most = 2;
  postgres::pool pool(std::move(server), how);
  auto asking = braid::when_all(pool.query("select 1"), pool.query("select 2"), pool.query("select 3"));
  const auto [one, two, three] = co_await std::move(asking);
  postgres::pool::lease db = co_await pool.acquire();  // for statements that belong to one session
  (void)co_await db->execute("set statement_timeout = 100");
  co_return one.value<int>() + two.value<int>() + three.value<int>();
}
// [/pool]

// [pipeline]
braid::task<int> adjust(postgres::connection& db) {
  postgres::pipeline line(db);
  auto both = braid::when_all(line.execute("insert into orders (item) values ($1)", "salt"),
                              line.query("select count(*) from orders"));
  const auto [added, counted] = co_await std::move(both);  // one round trip
  postgres::batch together;                                // one transaction
  together.add("update orders set price = price - $1 where item = 'tea'", 0.5);
  together.add("update orders set price = price + $1 where item = 'milk'", 0.5);
  (void)co_await line.run(std::move(together));
  co_await line.end();  // and db takes statements again
  co_return counted.value<int>() * static_cast<int>(added);
}
// [/pipeline]

// [copy]
braid::task<std::string> copy_orders(postgres::connection& db) {
  postgres::copied_in to = co_await db.copy_in("copy orders (item, price) from stdin (format csv)");
  co_await to.write("rice,2\nbea");
  co_await to.write("ns,3\n");
  (void)co_await to.finish();
  std::string csv;
  postgres::copied_out lines =
      co_await db.copy_out("copy (select item from orders where id > 4 order by id) to stdout (format csv)");
  for (std::optional<std::string> piece = co_await lines.next(); piece; piece = co_await lines.next())
    csv += *piece;
  co_return csv;
}
// [/copy]

}  // namespace

TEST_CASE("docs/postgres.md: orders", "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> braid::task<> {
    postgres::connection db = co_await open_shop(at.dsn());
    const std::int64_t first = co_await add_order(db, "tea", 3.5);
    CHECK(first == 1);
    (void)co_await add_order(db, "water", std::nullopt);
    const double sum = co_await total(db);
    CHECK(sum == 3.5);
    const std::string again = co_await try_order(db, "tea");
    CHECK(again == "refused by orders_item_key");
    const std::string other = co_await try_order(db, "milk");
    CHECK(other == "added");
    const double raised = co_await raise_tea(db);
    CHECK(raised == 5);
    const int six = co_await ask_three_times(at.dsn());
    CHECK(six == 6);
    const int count = co_await adjust(db);
    CHECK(count == 4);
    const std::string copied = co_await copy_orders(db);
    CHECK_THAT(copied, braid_tests::contains("rice\nbeans\n"));
  };
  braid::run(program);
}
