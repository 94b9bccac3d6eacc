#include "braid/combine/current_deadline.hpp"

#include <chrono>
#include <optional>

#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/style/fiber.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

using deadline = std::optional<loop_clock::time_point>;

task<deadline> ask() { co_return co_await current_deadline(); }

}  // namespace

TEST_CASE("current_deadline: is empty where nothing has one", "[current_deadline]") {
  IN_EVERY_STYLE(style);
  CHECK_FALSE(style.wait(current_deadline()).value());
  CHECK_FALSE(style.wait(ask()).value());
}

TEST_CASE("current_deadline: is that of the with_deadline around it, in every style", "[current_deadline]") {
  IN_EVERY_STYLE(style);
  const auto end = loop_clock::now() + 1h;
  CHECK(style.wait(with_deadline(current_deadline(), end)).value() == end);
  CHECK(style.wait(with_deadline(ask(), end)).value() == end);
  CHECK(style.wait(with_deadline(in_fiber([] { return await(current_deadline()); }), end)).value() == end);
}

TEST_CASE("current_deadline: counts a time-out from its start", "[current_deadline]") {
  loop here;
  auto asked = with_timeout(ask(), 1h);
  const auto before = here.now() + 1h;
  const deadline end = here.run(std::move(asked));
  const auto after = here.now() + 1h;
  REQUIRE(end);
  CHECK(*end >= before);
  CHECK(*end <= after);
}

TEST_CASE("current_deadline: is the earliest of several, inside and outside", "[current_deadline]") {
  IN_EVERY_STYLE(style);
  const auto soon = loop_clock::now() + 1h;
  const auto late = soon + 1h;
  CHECK(style.wait(with_deadline(with_deadline(ask(), soon), late)).value() == soon);
  CHECK(style.wait(with_deadline(with_deadline(ask(), late), soon)).value() == soon);
}

TEST_CASE("current_deadline: flows into joins and scopes", "[current_deadline]") {
  loop here;
  const auto end = loop_clock::now() + 1h;
  here.run(with_deadline(
      [&]() -> task<> {
        const auto [first, second] = co_await when_all(ask(), with_timeout(ask(), 2h));
        CHECK(first == end);
        CHECK(second == end);
        co_await with_scope([&](scope& s) -> task<> {
          const deadline child = co_await s.spawn(ask());
          CHECK(child == end);
        });
      },
      end));
}
