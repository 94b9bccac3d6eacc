#include "braid/postgres/copy.hpp"

#include <chrono>
#include <string>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/postgres/connection.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "database.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

constexpr const char* copy_t = "copy t from stdin (format csv)";

task<> make_table(postgres::connection& db) {
  (void)co_await db.execute("create temporary table t (n int primary key, text text)");
}

task<> check_rows(postgres::connection& db, int expected) {
  const postgres::rows got = co_await db.query("select count(*) from t");
  CHECK(got.value<int>() == expected);
}

// In and out again, in pieces that end anywhere.
task<> there_and_back(const std::string& dsn) {
  postgres::connection db = co_await postgres::connect(dsn);
  co_await make_table(db);
  std::string sent;
  for (int n = 0; n != 3000; ++n) sent += std::to_string(n) + ",\"text of " + std::to_string(n * 7) + "\"\n";
  sent += "3000," + std::string(1 << 20, 'x') + "\n";
  {
    postgres::copied_in to = co_await db.copy_in(copy_t);
    std::size_t done = 0;
    for (std::size_t size = 1; done != sent.size(); size = size * 5 + 1) {
      const std::string_view part = std::string_view(sent).substr(done, size);
      co_await to.write(part);
      done += part.size();
    }
    co_await to.write("");
    const auto meanwhile = co_await as_result(db.query("select 1"));
    CHECK_THAT(meanwhile.error().message(), contains("one operation at a time"));
    const std::uint64_t stored = co_await to.finish();
    CHECK(stored == 3001);
    const auto late = co_await as_result(to.write("1"));
    CHECK_THAT(late.error().message(), contains("it has ended"));
    co_await to.abort();
  }
  std::string got;
  std::size_t pieces = 0;
  postgres::copied_out lines = co_await db.copy_out(
      "copy (select n, text from t order by n) to stdout (format csv, force_quote (text))");
  for (;;) {
    const auto piece = co_await lines.next();
    if (!piece) break;
    CHECK(piece->ends_with('\n'));
    got += *piece;
    ++pieces;
  }
  sent.insert(sent.size() - 1, "\"");
  sent.insert(sent.rfind(',') + 1, "\"");
  CHECK(got == sent);
  CHECK(lines.count() == 3001);
  CHECK(pieces < 300);
  const auto end = co_await lines.next();
  CHECK_FALSE(end);
  co_await lines.abort();
  co_await check_rows(db, 3001);
}

task<> copy_failures(const std::string& dsn) {
  postgres::connection db = co_await postgres::connect(dsn);
  co_await make_table(db);
  {
    postgres::copied_in to = co_await db.copy_in(copy_t);
    co_await to.write("1,good\nx,bad\n");
    const auto ended = co_await as_result(to.finish());
    CHECK(ended.error() == postgres::sqlstate::invalid_text_representation);
    CHECK_THAT(postgres::message_of(ended.error())->context, contains("COPY t, line 2"));
  }
  {
    postgres::copied_in to = co_await db.copy_in(copy_t);
    co_await to.write("1,good\n");
    co_await to.abort("not today");
  }
  co_await check_rows(db, 0);
  // What fails before it has begun, and other statements.
  const auto unknown = co_await as_result(db.copy_in("copy nowhere from stdin"));
  CHECK(unknown.error() == postgres::sqlstate::undefined_table);
  const auto no_copy = co_await as_result(db.copy_in("select 1"));
  CHECK_THAT(no_copy.error().message(), contains("no COPY FROM STDIN"));
  const auto wrong_way = co_await as_result(db.copy_in("copy t to stdout"));
  CHECK_THAT(wrong_way.error().message(), contains("COPY"));
  const auto other_way = co_await as_result(db.copy_out("copy t from stdin"));
  CHECK(other_way.error() == postgres::sqlstate::query_canceled);
  // An error behind some rows.
  {
    postgres::copied_out lines =
        co_await db.copy_out("copy (select 1 / (5000 - n) from generate_series(1, 9000) n) to stdout");
    std::size_t rows = 0;
    result<std::optional<std::string>> piece(std::string{});
    while (piece && *piece) {
      for (const char each : **piece) rows += each == '\n' ? 1 : 0;
      auto next = as_result(lines.next());
      piece = co_await std::move(next);
    }
    REQUIRE_FALSE(piece);
    CHECK(piece.error() == postgres::sqlstate("22012"));
    CHECK(rows == 4999);
  }
  co_await check_rows(db, 0);
}

task<> stopped(const std::string& dsn) {
  postgres::connection db = co_await postgres::connect(dsn);
  co_await make_table(db);
  const int process = db.server_process();
  {
    postgres::copied_out slow = co_await db.copy_out(
        "copy (select n from (select n, pg_sleep(0.02 * (n % 2)) from generate_series(1, 4) n) all_of) to "
        "stdout");
    std::string got;
    for (bool more = true; more;) {  // a next() that is stopped loses nothing
      auto waiting = as_result(with_timeout(slow.next(), 3ms));
      const auto piece = co_await std::move(waiting);
      if (piece && *piece) got += **piece;
      more = !piece || *piece;
    }
    CHECK(got == "1\n2\n3\n4\n");
    CHECK(slow.count() == 4);
  }
  {
    postgres::copied_out endless =
        co_await db.copy_out("copy (select generate_series(1, 2000000000)) to stdout");
    const auto piece = co_await endless.next();
    CHECK(piece->starts_with("1\n2\n"));
    co_await endless.abort();
    co_await check_rows(db, 0);
  }
  {
    postgres::copied_in to = co_await db.copy_in(copy_t);
    const std::string much(6 << 20, 'x');
    auto writing = as_result(with_timeout(to.write(much), 0ms));
    const auto ended = co_await std::move(writing);
    CHECK(ended.error() == std::errc::timed_out);
    const auto more = co_await as_result(to.write("2,x\n"));
    CHECK_THAT(more.error().message(), contains("a write was stopped"));
    const auto finish = co_await as_result(to.finish());
    CHECK_THAT(finish.error().message(), contains("a write was stopped"));
    co_await to.abort();
  }
  co_await check_rows(db, 0);
  CHECK(db.server_process() == process);
}

task<> lost(const std::string& dsn) {
  postgres::connection beside = co_await postgres::connect(dsn);
  for (const bool out : {true, false}) {
    postgres::connection db = co_await postgres::connect(dsn);
    co_await make_table(db);
    if (out) {
      postgres::copied_out lines =
          co_await db.copy_out("copy (select generate_series(1, 10000000)) to stdout");
      (void)co_await beside.query("select pg_terminate_backend($1, 10000)", db.server_process());
      result<std::optional<std::string>> piece(std::string{});
      while (piece && *piece) {
        auto next = as_result(lines.next());
        piece = co_await std::move(next);
      }
      REQUIRE_FALSE(piece);
      CHECK(piece.error() == postgres::errc::outcome_unknown);
    } else {
      postgres::copied_in to = co_await db.copy_in(copy_t);
      co_await to.write("1,x\n");
      (void)co_await beside.query("select pg_terminate_backend($1, 10000)", db.server_process());
      const auto finished = co_await as_result(to.finish());
      CHECK_FALSE(finished);
    }
    CHECK_FALSE(db.is_open());
  }
  for (const bool out : {true, false}) {  // one that is dropped in the middle
    postgres::connection db = co_await postgres::connect(dsn);
    co_await make_table(db);
    if (out)
      (void)co_await db.copy_out("copy (select generate_series(1, 10000000)) to stdout");
    else
      (void)co_await db.copy_in(copy_t);
    CHECK_FALSE(db.is_open());
  }
}

}  // namespace

TEST_CASE("postgres::connection: COPY in and out", "[postgres][copy]") {
  WITH_DATABASE(at);
  braid::run(there_and_back(at.dsn()));
  braid::run(copy_failures(at.dsn()));
}

TEST_CASE("postgres::connection: a COPY that is stopped, or loses its connection", "[postgres][copy]") {
  WITH_DATABASE(at);
  braid::run(stopped(at.dsn()));
  braid::run(lost(at.dsn()));
}

TEST_CASE("postgres::connection: COPY in every style", "[postgres][copy]") {
  WITH_DATABASE(at);
  IN_EVERY_STYLE(style);
  loop here;
  auto db = style.wait(postgres::connect(at.dsn()));
  REQUIRE(db);
  REQUIRE(style.wait(make_table(*db)));
  auto to = style.wait(db->copy_in(copy_t));
  REQUIRE(to);
  CHECK(style.wait(to->write("1,x\n")));
  CHECK(style.wait(to->finish()) == std::uint64_t{1});
  auto lines = style.wait(db->copy_out("copy t to stdout"));
  REQUIRE(lines);
  const auto piece = style.wait(lines->next());
  REQUIRE(piece);
  CHECK(*piece == "1\tx\n");
}

TEST_CASE("postgres::connection: COPY stopped at each await", "[postgres][copy]") {
  WITH_DATABASE(at);
  const std::string dsn = at.dsn();
  const auto program = [&dsn]() -> task<> {
    postgres::connection db = co_await postgres::connect(dsn);
    co_await make_table(db);
    postgres::copied_in to = co_await db.copy_in(copy_t);
    co_await to.write("1,x\n");
    const std::uint64_t stored = co_await to.finish();
    CHECK(stored == 1);
    postgres::copied_out lines = co_await db.copy_out("copy t to stdout");
    const auto piece = co_await lines.next();
    CHECK(*piece == "1\tx\n");
    const auto end = co_await lines.next();
    CHECK_FALSE(end);
  };
  CHECK(every_cancellation_with_memory(program) > 3);
}
