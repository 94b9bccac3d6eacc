#include "braid/combine/first_ok.hpp"

#include <chrono>
#include <memory>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

task<int> fails_after(int turns) {
  for (int n = 0; n < turns; ++n) co_await yield();
  throw std::runtime_error("after " + std::to_string(turns));
}
task<std::string> text_after(int turns) {
  for (int n = 0; n < turns; ++n) co_await yield();
  co_return "text";
}

}  // namespace

TEST_CASE("first_ok: skips errors until the first value", "[first_ok]") {
  IN_EVERY_STYLE(style);
  auto ended = style.wait(first_ok(fails_after(1), sleep_for(24h), text_after(5), fails_after(2)));
  REQUIRE(ended);
  CHECK(ended->index == 2);
  CHECK(std::get<2>(ended->value) == "text");
}

TEST_CASE("first_ok: takes a range", "[first_ok]") {
  IN_EVERY_STYLE(style);
  const auto only_three = [](int n) -> task<std::unique_ptr<int>> {
    co_await yield();
    if (n != 3) throw std::runtime_error(std::to_string(n));
    co_return std::make_unique<int>(n);
  };
  auto ended = style.wait(first_ok(ranges::views::iota(0, 5) | ranges::views::transform(only_three)));
  REQUIRE(ended);
  CHECK(ended->index == 3);
  CHECK(*ended->value == 3);
}

TEST_CASE("first_ok: if all fail, the first error keeps the others", "[first_ok]") {
  IN_EVERY_STYLE(style);
  const auto ended = style.wait(first_ok(fails_after(3), fails_after(1), fails_after(2)));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "after 1");
  REQUIRE(ended.error().suppressed().size() == 2);
  CHECK(ended.error().suppressed()[0].message() == "after 2");
  CHECK(ended.error().suppressed()[1].message() == "after 3");
  const std::string printed = format_stack(ended.error());
  CHECK_THAT(printed, contains("  suppressed: after 2\n    at "));
  CHECK_THAT(printed, contains("  suppressed: after 3\n    at "));
}

TEST_CASE("first_ok: an empty range is an invalid_argument", "[first_ok]") {
  IN_EVERY_STYLE(style);
  const auto ended = style.wait(first_ok(std::vector<task<int>>()));
  REQUIRE_FALSE(ended);
  CHECK_THROWS_AS(ended.value(), std::invalid_argument);
  CHECK_THAT(ended.error().message(), contains("first_ok"));
}

TEST_CASE("first_ok: completes after the losers have ended", "[first_ok][stop]") {
  int ended_by_stop = 0;
  const auto waits = [&]() -> task<int> {
    try {
      co_await sleep_for(24h);
    } catch (const std::system_error&) {
      ++ended_by_stop;
    }
    co_return 7;  // it succeeds all the same; the value is dropped
  };
  const auto first = run(first_ok(waits, just(1), waits));
  CHECK(first.index == 1);
  CHECK(ended_by_stop == 1);  // the third one was never started
}

TEST_CASE("first_ok: a stop request ends it as cancelled", "[first_ok][stop]") {
  loop here;
  stop_source stop;
  auto first =
      spawn(with_stop_token(first_ok(sleep_for(24h), fails_after(1), sleep_for(25h)), stop.get_token()));
  SECTION("before any failure") {
    stop.request_stop();
    CHECK(here.run(as_result(std::move(first))).error() == std::errc::operation_canceled);
  }
  SECTION("after failures, which it keeps") {
    for (int n = 0; n < 3; ++n) here.run(yield());
    stop.request_stop();
    const auto ended = here.run(as_result(std::move(first)));
    CHECK(ended.error() == std::errc::operation_canceled);
    REQUIRE(ended.error().suppressed().size() == 1);
    CHECK(ended.error().suppressed()[0].message() == "after 1");
  }
}
