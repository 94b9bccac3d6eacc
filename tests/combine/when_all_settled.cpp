#include "braid/combine/when_all_settled.hpp"

#include <chrono>
#include <memory>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>
#include <stdexcept>
#include <utility>
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

task<int> even_only(int n) {
  co_await yield();
  if (n % 2 != 0) throw std::runtime_error(std::to_string(n));
  co_return n;
}

}  // namespace

TEST_CASE("when_all_settled: a pack gives a tuple of results", "[when_all_settled]") {
  IN_EVERY_STYLE(style);
  int target = 5;
  auto ended = style.wait(when_all_settled(even_only(1), sleep_for(0ns), just(std::make_unique<int>(3)),
                                           [&]() -> task<int&> { co_return target; }));
  REQUIRE(ended);
  auto& [failed, nothing, owned, referred] = *ended;
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message() == "1");
  CHECK(nothing.has_value());
  CHECK(**owned == 3);
  CHECK(&*referred == &target);
}

TEST_CASE("when_all_settled: a range gives a vector of results, and none stops the others",
          "[when_all_settled]") {
  IN_EVERY_STYLE(style);
  const auto ended =
      style.wait(when_all_settled(ranges::views::iota(0, 4) | ranges::views::transform(even_only)));
  REQUIRE(ended);
  REQUIRE(ended->size() == 4);
  for (int n = 0; n < 4; ++n) {
    const result<int>& each = (*ended)[static_cast<std::size_t>(n)];
    CHECK(each.has_value() == (n % 2 == 0));
    if (each) CHECK(*each == n);
  }
}

TEST_CASE("when_all_settled: an empty range or pack completes at once", "[when_all_settled]") {
  IN_EVERY_STYLE(style);
  CHECK(style.wait(when_all_settled()).has_value());
  CHECK(style.wait(when_all_settled(std::vector<task<int>>())).value().empty());
}

TEST_CASE("when_all_settled: a stop request reaches all operations; the results keep the values",
          "[when_all_settled][stop]") {
  loop here;
  stop_source stop;
  auto settled = spawn(
      with_stop_token(when_all_settled(just(1), sleep_for(24h), sleep_until(loop_clock::time_point::max())),
                      stop.get_token()));
  here.run(yield());
  stop.request_stop();
  auto [kept, first, second] = here.run(std::move(settled));
  CHECK(kept == 1);
  CHECK(first == std::errc::operation_canceled);
  CHECK(second == std::errc::operation_canceled);
}

TEST_CASE("when_all_settled: without a loop it is a logic_error that names the call", "[when_all_settled]") {
  CHECK_THROWS_WITH(spawn(when_all_settled(just(1))), contains("spawn"));
}
