#include "braid/combine/map_concurrent.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <range/v3/view/chunk.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/transform.hpp>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/promise.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "sanitized.hpp"
#include "stack/small_stack.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Later ones end earlier.
task<int> ten_times(int n) {
  for (int turns = 10 - n % 10; turns > 0; --turns) co_await yield();
  co_return 10 * n;
}
task<int> even_only(int n) {
  const int ten = co_await ten_times(n);
  if (n % 2 != 0) throw std::runtime_error(std::to_string(n));
  co_return ten;
}

struct countdown {
  int left;
  int fails_at = -1;
  task<std::optional<int>> next() {
    co_await yield();
    if (left == fails_at) throw std::runtime_error("the range at " + std::to_string(left));
    co_return left == 0 ? std::nullopt : std::optional(left--);
  }
};

}  // namespace

TEST_CASE("map_concurrent: gives a vector in the range's order", "[map_concurrent]") {
  IN_EVERY_STYLE(style);
  const std::vector<int> ids{1, 2, 3, 4, 5, 6};
  CHECK(style.wait(map_concurrent(ids, 4, ten_times)).value() == std::vector{10, 20, 30, 40, 50, 60});
}

TEST_CASE("map_concurrent: takes asynchronous and empty ranges, and move-only elements", "[map_concurrent]") {
  loop here;
  CHECK(here.run(map_concurrent(countdown{3}, 2, ten_times)) == std::vector{30, 20, 10});
  CHECK(here.run(map_concurrent(countdown{0}, 2, ten_times)).empty());
  CHECK(here.run(map_concurrent(std::vector<int>(), 4, ten_times)).empty());
  const auto own = [](int n) -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(n); };
  CHECK(*here.run(map_concurrent(std::views::iota(0, 3), 2, own)).at(2) == 2);
}

TEST_CASE("map_concurrent: takes range-v3 views", "[map_concurrent]") {
  const std::vector<int> ids{1, 2, 3, 4, 5, 6};
  const auto odd = [](int n) { return n % 2 == 1; };
  const auto plus_one = [](int n) { return n + 1; };
  CHECK(run(map_concurrent(ids | ranges::views::filter(odd), 2, ten_times)) == std::vector{10, 30, 50});
  CHECK(run(map_concurrent(ids | ranges::views::transform(plus_one) | ranges::views::filter(odd), 2,
                           ten_times)) == std::vector{30, 50, 70});
  const auto of_chunk = [](auto chunk) -> task<int> {
    int sum = 0;
    for (const int n : co_await when_all(chunk | ranges::views::transform(ten_times))) sum += n;
    co_return sum;
  };
  CHECK(run(map_concurrent(ids | ranges::views::chunk(4), 2, of_chunk)) == std::vector{100, 110});
}

TEST_CASE("map_concurrent: gives void for operations of void, and reference_wrappers for references",
          "[map_concurrent]") {
  loop here;
  static_assert(
      std::is_void_v<decltype(here.run(map_concurrent(countdown{3}, 2, [](int) { return yield(); })))>);
  here.run(map_concurrent(countdown{3}, 2, [](int) { return yield(); }));

  std::vector<std::string> texts{"a", "b"};
  const auto same = [](std::string& text) -> task<std::string&> { co_return text; };
  const std::vector<std::reference_wrapper<std::string>> referred = here.run(map_concurrent(texts, 2, same));
  REQUIRE(referred.size() == 2);
  CHECK(&referred[0].get() == &texts[0]);
  CHECK(&referred[1].get() == &texts[1]);

  const auto truth = [](int n) -> task<bool> { co_return n % 2 == 0; };
  CHECK(here.run(map_concurrent(countdown{3}, 2, truth)) == std::vector{false, true, false});
}

TEST_CASE("map_concurrent: takes a member function", "[map_concurrent]") {
  struct doubler {
    int n;
    auto twice() const { return just(2 * n); }
  };
  const std::vector<doubler> some{{1}, {2}};
  CHECK(run(map_concurrent(some, 2, &doubler::twice)) == std::vector{2, 4});
}

TEST_CASE("map_concurrent: the first error is the result and keeps the later ones",
          "[map_concurrent][stop]") {
  const auto fails_late = [](int n) -> task<int> {
    if (n == 1) (void)co_await as_result(sleep_for(24h));
    co_await yield();
    throw std::runtime_error(std::to_string(n));
  };
  const auto ended = run(as_result(map_concurrent(std::views::iota(0), 2, fails_late)));
  CHECK(ended.error().message() == "0");
  CHECK(ended.error().suppressed().empty());  // the other one was cancelled
  CHECK_THROWS_AS(run(map_concurrent(std::views::iota(0), 0, ten_times)), std::invalid_argument);
}

TEST_CASE("map_concurrent_settled: gives results in the range's order; an error stops no other operation",
          "[map_concurrent]") {
  IN_EVERY_STYLE(style);
  const auto ended = style.wait(map_concurrent_settled(std::views::iota(0, 7), 3, even_only));
  REQUIRE(ended);
  REQUIRE(ended->size() == 7);
  for (int n = 0; n < 7; ++n) {
    const result<int>& each = (*ended)[static_cast<std::size_t>(n)];
    if (n % 2 == 0)
      CHECK(each == 10 * n);
    else
      CHECK(each.error().message() == std::to_string(n));
  }
}

TEST_CASE(
    "map_concurrent_settled: an exception from the function is a result; operations of void give results of "
    "void",
    "[map_concurrent]") {
  const auto ended = run(map_concurrent_settled(std::views::iota(0, 3), 3, [](int n) {
    if (n == 1) throw std::runtime_error("no sender");
    return just();
  }));
  REQUIRE(ended.size() == 3);
  CHECK(ended[0].has_value());
  CHECK(ended[1].error().message() == "no sender");
  CHECK(ended[2].has_value());
}

TEST_CASE("map_concurrent_settled: the range's error is the result once the running operations have ended",
          "[map_concurrent]") {
  int done = 0;
  const auto count = [&](int n) -> task<> {
    for (int turn = 0; turn < 20; ++turn) co_await yield();
    ++done;
    if (n == 5) throw std::runtime_error("its own");
  };
  const auto ended = run(as_result(map_concurrent_settled(countdown{5, 2}, 8, count)));
  CHECK(ended.error().message() == "the range at 2");
  CHECK(ended.error().suppressed().empty());
  CHECK(done == 3);
}

TEST_CASE("map_concurrent_settled: the results show a stop request, if the range had ended",
          "[map_concurrent][stop]") {
  loop here;
  const auto nap = [](int n) { return sleep_for(n == 0 ? 0ns : 24h); };
  auto all_begun = spawn(map_concurrent_settled(std::views::iota(0, 2), 3, nap));
  here.run(sleep_for(1us));
  here.run(yield());
  all_begun.request_stop();
  const auto ended = here.run(std::move(all_begun));
  REQUIRE(ended.size() == 2);
  CHECK(ended[0].has_value());
  CHECK(ended[1] == std::errc::operation_canceled);

  auto some_begun = spawn(map_concurrent_settled(std::views::iota(0), 3, nap));
  here.run(yield());
  some_begun.request_stop();
  CHECK(here.run(as_result(std::move(some_begun))) == std::errc::operation_canceled);
}

TEST_CASE("map_concurrent: 1,000,000 operations that end at once allocate only for their results",
          "[map_concurrent][stack]") {
  const int count = sanitized ? 100'000 : 1'000'000;
  const auto [last, allocated] = on_small_stack([&] {
    loop here;
    here.run(map_concurrent(std::views::iota(0, 10), 4, [](int n) { return just(n); }));
    const allocation_count made;
    const auto all = here.run(map_concurrent(std::views::iota(0, count), 4, [](int n) { return just(n); }));
    return std::pair(all.back(), made.made());
  });
  CHECK(last == count - 1);
  CHECK(allocated < 30);  // by vectors that grow
}

TEST_CASE("map_concurrent: can be stopped at each suspension", "[map_concurrent][stop]") {
  CHECK(every_cancellation([] { return map_concurrent(std::views::iota(0, 7), 3, ten_times); }) > 5);
  CHECK(every_cancellation([] { return map_concurrent(countdown{7}, 3, ten_times); }) > 5);
  CHECK(every_cancellation([] { return map_concurrent_settled(std::views::iota(0, 7), 3, even_only); }) > 5);
  CHECK(every_cancellation([] { return map_concurrent_settled(countdown{7}, 3, even_only); }) > 5);
}
