#include "braid/postgres/connection.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "database.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

using timestamp = std::chrono::sys_time<std::chrono::microseconds>;

std::vector<std::byte> all_bytes() {
  std::vector<std::byte> all;
  for (int n = 0; n != 256; ++n) all.push_back(static_cast<std::byte>(n));
  return all;
}

// Each value goes to the server as a parameter and comes back the same.
task<> send_and_get(const std::string& dsn, postgres::format results) {
  postgres::connection_options how;
  how.results = results;
  postgres::connection db = co_await postgres::connect(dsn, how);
  const std::optional<int> none;
  const timestamp moment = timestamp(std::chrono::sys_days(2026y / 12 / 1)) + 3723s + 123456us;
  const timestamp early = timestamp(std::chrono::sys_days(std::chrono::year(-43) / 3 / 15)) + 1us;
  const std::vector<std::optional<int>> holes{1, std::nullopt, -3};
  const std::vector<std::string> texts{"", "a,b", "\"\\{}", "NULL", "null"};
  const std::vector<std::vector<std::byte>> blobs{all_bytes(), {}};
  const postgres::rows got = co_await db.query(
      "select $1::bool a, $2::int8 b, $3::int2 c, $4::float8 d, $5::float4 e, $6::text f, $7::bytea g, "
      "$8::int4 h, "
      "$9::timestamptz i, $10::timestamptz j, $11::date k, $12::int4[] l, $13::text[] m, $14::bytea[] n, "
      "$15::text o, "
      "$16::json p",
      true, std::numeric_limits<std::int64_t>::min(), -7, 0.1, 1.5F, "gr\xc3\xbc\xc3\x9f", all_bytes(), none,
      moment, early, std::chrono::sys_days(2024y / 2 / 29), holes, texts, blobs, std::nullopt,
      R"({"a": [1]})");
  REQUIRE(got.size() == 1);
  REQUIRE(got.columns() == 16);
  const postgres::row all = got[0];
  CHECK(all.get<bool>("a"));
  CHECK(all.get<std::int64_t>("b") == std::numeric_limits<std::int64_t>::min());
  CHECK(all.get<int>("c") == -7);
  CHECK(all.get<double>("c") == -7);
  CHECK(all.get<double>("d") == 0.1);
  CHECK(all.get<float>("e") == 1.5F);
  CHECK(all.get<std::string>("f") == "gr\xc3\xbc\xc3\x9f");
  CHECK(all.get<std::vector<std::byte>>("g") == all_bytes());
  CHECK(all.get<std::optional<int>>("h") == std::nullopt);
  CHECK(all.get<timestamp>("i") == moment);
  CHECK(all.get<timestamp>("j") == early);
  CHECK(all.get<std::chrono::sys_days>("k") == std::chrono::sys_days(2024y / 2 / 29));
  CHECK(all.get<std::vector<std::optional<int>>>("l") == holes);
  CHECK(all.get<std::vector<std::string>>("m") == texts);
  CHECK(all.get<std::vector<std::vector<std::byte>>>("n") == blobs);
  CHECK(all.is_null("o"));
  CHECK(all.get<std::string_view>("p") == R"({"a": [1]})");
  CHECK(got.column_name(3) == "d");
}

// What get<T> says when it cannot.
template <class T>
std::string refused(const postgres::row& from, std::string_view column, postgres::errc expected) {
  try {
    (void)from.get<T>(column);
  } catch (const std::system_error& why) {
    CHECK(why.code() == expected);
    return why.what();
  }
  FAIL("there was a value");
  return {};
}

task<> ask_for_wrong_types(const std::string& dsn, postgres::format results) {
  postgres::connection_options how;
  how.results = results;
  postgres::connection db = co_await postgres::connect(dsn, how);
  const postgres::rows got = co_await db.query(
      "select 300::int4 a, 'x'::text b, null::int4 c, 'infinity'::timestamptz d, array[[1],[2]] e, -1::int8 "
      "f, "
      "1e300::float8 g, interval '1 day' h");
  const postgres::row all = got[0];
  CHECK_THAT(refused<std::int8_t>(all, "a", postgres::errc::out_of_range), contains("column \"a\" is int4"));
  CHECK_THAT(refused<bool>(all, "a", postgres::errc::wrong_type), contains("column \"a\" is int4"));
  CHECK_THAT(refused<int>(all, "b", postgres::errc::wrong_type), contains("not an integer"));
  CHECK_THAT(refused<double>(all, "b", postgres::errc::wrong_type), contains("column \"b\" is text"));
  CHECK_THAT(refused<std::vector<std::byte>>(all, "b", postgres::errc::wrong_type), contains("not bytea"));
  CHECK_THAT(refused<std::vector<int>>(all, "b", postgres::errc::wrong_type), contains("not an array"));
  CHECK_THAT(refused<int>(all, "c", postgres::errc::unexpected_null), contains("column \"c\" is int4"));
  CHECK_THAT(refused<timestamp>(all, "d", postgres::errc::out_of_range), contains("column \"d\""));
  CHECK_THAT(refused<std::vector<int>>(all, "e", postgres::errc::out_of_range), contains("one dimension"));
  CHECK_THAT(refused<unsigned>(all, "f", postgres::errc::out_of_range), contains("column \"f\""));
  CHECK_THAT(refused<float>(all, "g", postgres::errc::out_of_range), contains("column \"g\""));
  CHECK_THAT(refused<timestamp>(all, "h", postgres::errc::wrong_type), contains("interval"));
  CHECK_THAT(refused<int>(all, "z", postgres::errc::no_such_column), contains("\"z\""));
  CHECK_THROWS_AS(got[1], std::system_error);
  CHECK_THROWS_AS(got.column_name(99), std::system_error);
}

}  // namespace

TEST_CASE("postgres::connection: values go to the server and come back", "[postgres]") {
  WITH_DATABASE(at);
  braid::run(send_and_get(at.dsn(), postgres::format::text));
  braid::run(send_and_get(at.dsn(), postgres::format::binary));
}

TEST_CASE("postgres::row: a wrong type names the column", "[postgres]") {
  WITH_DATABASE(at);
  braid::run(ask_for_wrong_types(at.dsn(), postgres::format::text));
  braid::run(ask_for_wrong_types(at.dsn(), postgres::format::binary));
}

TEST_CASE("postgres::connection: in every style", "[postgres]") {
  WITH_DATABASE(at);
  IN_EVERY_STYLE(style);
  loop here;
  auto made = style.wait(postgres::connect(at.dsn()));
  REQUIRE(made);
  postgres::connection& db = *made;
  CHECK(db.is_open());
  const auto found = style.wait(db.query("select n, n * n from generate_series(1, 3) n"));
  REQUIRE(found);
  CHECK(found->size() == 3);
  int sum = 0;
  for (const postgres::row each : *found) {
    const auto [n, square] = each.as<int, int>();
    CHECK(square == n * n);
    sum += square;
  }
  CHECK(sum == 14);
  CHECK_THROWS_AS(found->value<int>(), std::system_error);
  const auto made_table = style.wait(db.execute("create temporary table t (n int unique)"));
  CHECK(made_table == std::uint64_t{0});
  CHECK(style.wait(db.execute("insert into t select generate_series(1, $1)", 5)) == std::uint64_t{5});
  const auto twice = style.wait(db.execute("insert into t values ($1)", 5));
  REQUIRE_FALSE(twice);
  CHECK(twice.error() == postgres::sqlstate::unique_violation);
  CHECK_THAT(twice.error().message(), contains("postgres::execute: duplicate key"));
  CHECK_THAT(twice.error().message(), contains("SQLSTATE 23505"));
  const auto said = postgres::message_of(twice.error());
  REQUIRE(said);
  CHECK(said->severity == "ERROR");
  CHECK(said->constraint == "t_n_key");
  CHECK(said->detail == "Key (n)=(5) already exists.");
  CHECK(said->code.to_string() == "23505");
  CHECK(said->code.is_of_class("23"));
  const auto wrong = style.wait(db.query("select nothing"));
  CHECK(wrong.error() == postgres::sqlstate::undefined_column);
  CHECK(postgres::message_of(wrong.error())->position == 8);
  const auto script =
      style.wait(db.run_script("begin; insert into t values (6); insert into t values (7); commit"));
  CHECK(script);
  const auto count = style.wait(db.query("select count(*), sum(n) from t"));
  CHECK((*count)[0].as<int, int>() == std::tuple(7, 28));
  db.close();
  CHECK(style.wait(db.query("select 1")).error() == postgres::errc::connection_closed);
}

TEST_CASE("postgres::connection: the first error of a script, and what fails at the end of a statement",
          "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection db = co_await postgres::connect(at.dsn());
    const auto failed = co_await as_result(db.run_script("select 1; select 1/0; select nothing"));
    CHECK(failed.error() == postgres::sqlstate("22012"));
    co_await db.run_script("create temporary table t (n int primary key deferrable initially deferred)");
    // The server says "INSERT 0 2" before it finds at the commit that it may not.
    const auto late = co_await as_result(db.execute("insert into t values (1), (1)"));
    CHECK(late.error() == postgres::sqlstate::unique_violation);
    const postgres::rows none = co_await db.query("select * from t");
    CHECK(none.empty());
    const postgres::rows nothing = co_await db.query("");
    CHECK(nothing.columns() == 0);
  };
  braid::run(program);
}

TEST_CASE("postgres::connection: empty and huge parameters, and zero bytes", "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection db = co_await postgres::connect(at.dsn());
    const std::string huge(6 << 20, 'x');
    const std::vector<std::byte> bytes(1 << 20);
    const postgres::rows got = co_await db.query("select $1::text, $2::bytea, $3::text, $4::bytea", huge,
                                                 bytes, "", std::vector<std::byte>());
    CHECK(got[0].get<std::string_view>(0) == huge);
    CHECK(got[0].get<std::vector<std::byte>>(1) == bytes);
    CHECK(got[0].get<std::string>(2).empty());
    CHECK(got[0].get<std::vector<std::byte>>(3).empty());
    const std::string zero("a\0b", 3);
    const auto in_parameter = co_await as_result(db.query("select $1, $2", 1, zero));
    CHECK_THAT(in_parameter.error().message(), contains("parameter $2 is a text with a zero byte"));
    const auto in_text = co_await as_result(db.query(zero));
    CHECK_THAT(in_text.error().message(), contains("zero byte"));
    const auto two = co_await as_result(db.query("select 1; select 2"));
    CHECK(two.error() == postgres::sqlstate::syntax_error);
    const auto still = co_await db.query("select 7");
    CHECK(still.value<int>() == 7);
  };
  braid::run(program);
}

TEST_CASE("postgres::connection: a second operation is a mistake", "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection db = co_await postgres::connect(at.dsn());
    auto both = when_all_settled(db.query("select 1"), db.query("select 2"));
    const auto ended = co_await std::move(both);
    CHECK(std::get<0>(ended).has_value());
    REQUIRE_FALSE(std::get<1>(ended).has_value());
    CHECK_THAT(std::get<1>(ended).error().message(), contains("one operation at a time"));
    const auto copy_out = co_await as_result(db.query("copy (select generate_series(1, 100000)) to stdout"));
    CHECK_THAT(copy_out.error().message(), contains("COPY"));
    const auto copy_in =
        co_await as_result(db.run_script("create temporary table t (n int); copy t from stdin"));
    CHECK_FALSE(copy_in);
    const postgres::rows still = co_await db.query("select 1");
    CHECK(still.value<int>() == 1);
  };
  braid::run(program);
}

TEST_CASE("postgres::connection: notices go to their handler", "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    std::vector<std::string> said;
    postgres::connection_options how;
    how.on_notice = [&](const postgres::server_message& each) {
      said.push_back(each.severity + " " + each.message);
    };
    postgres::connection db = co_await postgres::connect(at.dsn(), how);
    co_await db.run_script("do $$ begin raise notice 'hello'; raise warning 'careful'; end $$");
    CHECK(said == std::vector<std::string>{"NOTICE hello", "WARNING careful"});
  };
  braid::run(program);
}

TEST_CASE("postgres::connection: settings and the transaction's state", "[postgres]") {
  WITH_DATABASE(at);
  const auto program = [&]() -> task<> {
    postgres::connection db = co_await postgres::connect(at.dsn());
    CHECK(db.server_process() > 0);
    CHECK(db.setting("client_encoding") == "UTF8");
    CHECK(db.setting("no such").empty());
    CHECK_FALSE(db.in_transaction());
    co_await db.run_script("begin");
    CHECK(db.in_transaction());
    const auto failed = co_await as_result(db.query("select 1/0"));
    CHECK(db.in_transaction());
    const auto again = co_await as_result(db.query("select 1"));
    CHECK(again.error() == postgres::sqlstate::in_failed_sql_transaction);
    co_await db.run_script("rollback");
    CHECK_FALSE(db.in_transaction());
  };
  braid::run(program);
}
