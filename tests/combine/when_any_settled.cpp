#include "braid/combine/when_any_settled.hpp"

#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "combine/operations.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Completes with its value in spite of the stop request.
task<int> steadfast(int value) {
  (void)co_await as_result(sleep_for(1h));
  co_return value;
}

}  // namespace

TEST_CASE("when_any_settled: the first ends the race, and a loser's value is kept", "[when_any_settled]") {
  IN_EVERY_STYLE(style);
  const auto race = style.wait(when_any_settled(steadfast(7), yield(), sleep_for(1h)));
  REQUIRE(race);
  CHECK(race->index == 1);
  CHECK(std::get<0>(race->results).value() == 7);
  CHECK(std::get<1>(race->results));
  CHECK(std::get<2>(race->results) == std::errc::operation_canceled);
}

TEST_CASE("when_any_settled: an error ends the race, and all errors are kept", "[when_any_settled]") {
  IN_EVERY_STYLE(style);
  const auto fails_when_stopped = []() -> task<> {
    (void)co_await as_result(sleep_for(1h));
    throw std::runtime_error("too late");
  };
  const auto race = style.wait(when_any_settled(fails_when_stopped, fails("first")));
  REQUIRE(race);
  CHECK(race->index == 1);
  CHECK(std::get<0>(race->results).error().message() == "too late");
  CHECK(std::get<1>(race->results).error().message() == "first");
}

TEST_CASE("when_any_settled: after an immediate end the later operations do not begin and are cancelled",
          "[when_any_settled]") {
  bool begun = false;
  const auto race = run(when_any_settled(just(1), [&]() -> task<> { co_return void(begun = true); }));
  CHECK(race.index == 0);
  CHECK(std::get<1>(race.results) == std::errc::operation_canceled);
  CHECK_FALSE(begun);
}

TEST_CASE("when_any_settled: takes a range", "[when_any_settled]") {
  IN_EVERY_STYLE(style);
  std::vector<task<int>> ops;
  ops.push_back(steadfast(1));
  ops.push_back(later(2));
  ops.push_back(steadfast(3));
  const auto race = style.wait(when_any_settled(std::move(ops)));
  REQUIRE(race);
  CHECK(race->index == 1);
  REQUIRE(race->results.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(race->results[i].value() == static_cast<int>(i) + 1);
  CHECK_THROWS_AS(run(when_any_settled(std::vector<task<int>>())), std::invalid_argument);
}

TEST_CASE("when_any_settled: the results show a stop from outside", "[when_any_settled][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  stop_source stop;
  here.post([&] { stop.request_stop(); });
  const auto race =
      style.wait(with_stop_token(when_any_settled(steadfast(1), sleep_for(1h)), stop.get_token()));
  REQUIRE(race);
  CHECK(std::get<0>(race->results).value() == 1);
  CHECK(std::get<1>(race->results) == std::errc::operation_canceled);
}
