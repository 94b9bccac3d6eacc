#include "braid/combine/when_all.hpp"

#include <chrono>
#include <memory>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "combine/operations.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("when_all: a pack gives a tuple in the order of the arguments", "[when_all]") {
  IN_EVERY_STYLE(style);
  auto ended =
      style.wait(when_all(later(1), sleep_for(0ns), just(std::make_unique<int>(3)), [] { return later(4); }));
  REQUIRE(ended);
  auto& [first, nothing, owned, made] = *ended;
  CHECK(first == 1);
  CHECK(nothing == std::monostate());
  CHECK(*owned == 3);
  CHECK(made == 4);
}

TEST_CASE("when_all: a range gives a vector in the range's order", "[when_all]") {
  IN_EVERY_STYLE(style);
  std::vector<task<int>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(later(i));
  CHECK(style.wait(when_all(std::move(tasks))).value() == std::vector{0, 1, 2, 3, 4});

  CHECK(style.wait(when_all(ranges::views::iota(0, 4) | ranges::views::transform(later))).value() ==
        std::vector{0, 1, 2, 3});
  CHECK(style.wait(when_all(std::views::iota(0, 3) | std::views::transform(later))).value() ==
        std::vector{0, 1, 2});

  auto owned = style.wait(when_all(ranges::views::iota(0, 2) | ranges::views::transform([](int i) {
                                     return just(std::make_unique<int>(i));
                                   })));
  REQUIRE(owned);
  CHECK(*owned->at(1) == 1);
}

TEST_CASE("when_all: a range of void gives void; an empty range or pack ends at once", "[when_all]") {
  IN_EVERY_STYLE(style);
  CHECK(
      style.wait(when_all(ranges::views::iota(0, 3) | ranges::views::transform([](int) { return nop(); }))));
  CHECK(style.wait(when_all(std::vector<task<int>>())).value().empty());
  CHECK(style.wait(when_all(std::vector<task<void>>())));
  CHECK(style.wait(when_all()));
}

TEST_CASE("when_all: futures and fibers are operations like any other", "[when_all]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto ended = style.wait(when_all(spawn(later(1)), in_fiber([] { return await(later(2)); }),
                                   offload([] { return 3; }), make_ready_future(4)));
  CHECK(ended.value() == std::tuple(1, 2, 3, 4));
}

TEST_CASE("when_all: the first error cancels the others and is the result once they have ended",
          "[when_all][stop]") {
  IN_EVERY_STYLE(style);
  bool cancelled = false;
  bool destroyed = false;
  auto ended = style.wait(when_all(
      [&]() -> task<void> {
        struct at_end {
          bool& flag;
          ~at_end() { flag = true; }
        } const local{destroyed};
        const auto slept = co_await as_result(sleep_for(1h));
        cancelled = !slept && slept.error() == std::errc::operation_canceled;
        (void)co_await as_result(yield());  // does not end at once: the join must wait for it
      },
      fails("first"), fails("second")));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "first");
  CHECK(cancelled);
  CHECK(destroyed);
}

TEST_CASE("when_all: after an immediate error the later operations do not begin", "[when_all]") {
  IN_EVERY_STYLE(style);
  bool begun = false;
  auto ended = style.wait(when_all(just_error<int>(std::errc::io_error), [&]() -> task<int> {
    begun = true;
    co_return 1;
  }));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::io_error);
  CHECK_FALSE(begun);
}

TEST_CASE("when_all: runs 10,000 operations at once", "[when_all]") {
  IN_EVERY_STYLE(style);
  const auto all = style.wait(when_all(ranges::views::iota(0, 10'000) | ranges::views::transform(later)));
  REQUIRE(all);
  CHECK(all->size() == 10'000);
  CHECK(all->back() == 9'999);
}

TEST_CASE("when_all: a stop from outside ends it as cancelled once all have ended", "[when_all][stop]") {
  loop here;
  int ended = 0;
  const auto sleeps = [&]() -> task<void> {
    const auto slept = co_await as_result(sleep_for(1h));
    ++ended;
    slept.value();
  };
  auto all = spawn(when_all(sleeps, sleeps, sleeps));
  all.request_stop();
  CHECK(here.run(as_result(std::move(all))).error() == std::errc::operation_canceled);
  CHECK(ended == 3);
}

TEST_CASE("when_all: stops from another thread race with the ends of its operations",
          "[when_all][stop][thread]") {
  loop here;
  int right = 0;
  for (int i = 0; i < 200; ++i) {
    stop_source stop;
    auto joined = spawn(with_stop_token(when_all(nop(), sleep_for(1us), when_all(yield(), sleep_for(2us))),
                                        stop.get_token()));
    std::thread elsewhere([&] { stop.request_stop(); });
    const auto ended = here.run(as_result(std::move(joined)));
    elsewhere.join();
    right += ended || ended.error() == std::errc::operation_canceled;
  }
  CHECK(right == 200);
}

TEST_CASE("when_all: without a loop it is a logic_error that names the call", "[when_all]") {
  result<std::tuple<int>> seen(std::errc::io_error);
  struct receiver {
    result<std::tuple<int>>* seen;
    void finish(result<std::tuple<int>> ended) && noexcept { *seen = std::move(ended); }
    [[nodiscard]] stop_token get_stop_token() const noexcept { return {}; }
    [[nodiscard]] async_frame* frame() const noexcept { return nullptr; }
  };
  auto state = connect(when_all(just(1)), receiver{&seen});
  state.start();
  REQUIRE_FALSE(seen);
  CHECK_THROWS_AS(seen.error().rethrow(), std::logic_error);
  CHECK_THAT(seen.error().message(), contains("when_all"));
}
