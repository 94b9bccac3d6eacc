#include "braid/combine/when_any.hpp"

#include <chrono>
#include <memory>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "braid/core/just.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("when_any: the first to end gives its index and its value", "[when_any]") {
  IN_EVERY_STYLE(style);
  auto ended = style.wait(when_any(sleep_for(1h), just(std::string("here")), sleep_for(2h)));
  REQUIRE(ended);
  CHECK(ended->index == 1);
  CHECK(std::get<1>(ended->value) == "here");

  auto nothing = style.wait(when_any(sleep_for(1h), yield()));
  REQUIRE(nothing);
  CHECK(nothing->index == 1);
  CHECK(std::get<1>(nothing->value) == std::monostate());

  auto owned = style.wait(when_any(just(std::make_unique<int>(3)), sleep_for(1h)));
  CHECK(*std::get<0>(owned.value().value) == 3);
}

TEST_CASE("when_any: a range gives an index and a value", "[when_any]") {
  IN_EVERY_STYLE(style);
  auto ended =
      style.wait(when_any(ranges::views::iota(0, 5) | ranges::views::transform([](int i) -> task<int> {
                            co_await sleep_for(i == 3 ? 0ns : loop_clock::duration(1h));
                            co_return 10 * i;
                          })));
  REQUIRE(ended);
  CHECK(ended->index == 3);
  CHECK(ended->value == 30);
}

TEST_CASE("when_any: an empty range is an invalid_argument", "[when_any]") {
  IN_EVERY_STYLE(style);
  auto ended = style.wait(when_any(std::vector<task<int>>()));
  REQUIRE_FALSE(ended);
  CHECK_THROWS_AS(ended.error().rethrow(), std::invalid_argument);
}

TEST_CASE("when_any: an error that is first decides", "[when_any]") {
  IN_EVERY_STYLE(style);
  auto ended = style.wait(when_any(sleep_for(1h), just_error<int>(std::errc::io_error)));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::io_error);
}

TEST_CASE("when_any: completes after the cancelled losers have ended", "[when_any][stop]") {
  IN_EVERY_STYLE(style);
  int losers = 0;
  const auto loses = [&]() -> task<int> {
    const auto slept = co_await as_result(sleep_for(1h));
    (void)co_await as_result(yield());
    losers += !slept && slept.error() == std::errc::operation_canceled;
    co_return 1;
  };
  auto ended = style.wait(when_any(loses, yield(), loses));
  REQUIRE(ended);
  CHECK(ended->index == 1);
  CHECK(losers == 2);
}

TEST_CASE("when_any: completes after the kernel has returned a losing read", "[when_any][stop][kernel]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    pipe_ends ends;
    file reader = file::from_descriptor(ends.release_reader());
    auto room = std::make_unique<std::string>(4096, '?');
    auto ended = style.wait(when_any(reader.read_some(*room), yield()));
    REQUIRE(ended);
    CHECK(ended->index == 1);
    room.reset();  // a read that is still in flight would write into it
    REQUIRE(::write(ends.writer(), "late", 4) == 4);
    std::string again(4, '?');
    CHECK(style.wait(reader.read_some(again)).value() == 4);
    CHECK(again == "late");
  }
  CHECK(open_descriptors() == before);
}
