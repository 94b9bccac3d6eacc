#include "braid/style/async_range.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/for_each_concurrent.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/interval.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "combine/room.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Numbers that arrive after a turn of the loop, or at once.
class numbers {
 public:
  explicit numbers(int end, bool later = true, int fails_at = -1)
      : end_(end), fails_at_(fails_at), later_(later) {}
  task<std::optional<std::unique_ptr<int>>> next() {
    ++asked;
    if (later_) co_await yield();
    if (at_ == fails_at_) throw std::runtime_error("no number " + std::to_string(at_));
    if (at_ == end_) co_return std::nullopt;
    co_return std::make_unique<int>(at_++);
  }
  int asked = 0;

 private:
  int at_ = 0;
  int end_, fails_at_;
  bool later_;
};
static_assert(async_range<numbers> && async_range<numbers&>);
static_assert(!async_range<std::vector<int>> && !async_range<interval>);
static_assert(std::same_as<async_range_value_t<numbers>, std::unique_ptr<int>>);

}  // namespace

TEST_CASE("async_range: is asked for the next element only when an operation may begin", "[async_range]") {
  IN_EVERY_STYLE(style);
  room visited;
  numbers some(20);
  int total = 0, ahead = 0;
  const auto visit = [&](std::unique_ptr<int> n) -> task<> {
    const room::guest in(visited);
    ahead = std::max(ahead, some.asked - *n);
    for (int turns = *n % 4 * 3; turns >= 0; --turns) co_await yield();
    total += *n;
  };
  CHECK(style.wait(for_each_concurrent(some, 4, visit)));
  CHECK(total == 190);
  CHECK(visited.most == 4);
  CHECK(ahead <= 4);
  CHECK(some.asked == 21);
}

TEST_CASE("async_range: a stop request reaches the pending next", "[async_range][stop]") {
  loop here;
  struct never {
    auto next() {
      return []() -> task<std::optional<int>> {
        co_await sleep_for(24h);
        co_return 1;
      }();
    }
  };
  auto waiting = spawn(for_each_concurrent(never(), 1, [](int) { return just(); }));
  waiting.request_stop();
  CHECK(here.run(as_result(std::move(waiting))) == std::errc::operation_canceled);
}

TEST_CASE("async_range: a range that fails is not asked again, and running operations are stopped",
          "[async_range]") {
  const auto fails = [&](auto range) {
    room visited;
    const auto visit = [&](auto) -> task<> {
      const room::guest in(visited);
      co_await sleep_for(24h);
    };
    const auto ended = run(as_result(for_each_concurrent(range, 3, visit)));
    CHECK(visited.inside == 0);
    CHECK(ended.error().suppressed().empty());
    CHECK(range.asked == visited.total + 1);
    return ended.error().message() + ", " + std::to_string(visited.total) + " begun";
  };
  CHECK(fails(numbers(9, true, 2)) == "no number 2, 2 begun");
  CHECK(fails(numbers(9, false, 0)) == "no number 0, 0 begun");

  struct throwing {
    task<std::optional<int>> next() { throw std::runtime_error("no sender"); }
  };
  CHECK_THROWS_WITH(run(for_each_concurrent(throwing(), 1, [](int) { return just(); })), "no sender");
}

TEST_CASE("async_range: an element lives until its operation has ended", "[async_range]") {
  int right = 0;
  run(for_each_concurrent(numbers(3), 2, [&right](std::unique_ptr<int>& element) -> task<> {
    const int* const before = element.get();
    co_await sleep_for(1us);
    right += before != nullptr && element.get() == before;
  }));
  CHECK(right == 3);
}

TEST_CASE("async_range: the loop's end ends an endless range", "[async_range][stop]") {
  room visited;
  {
    loop here;
    detach(for_each_concurrent(numbers(-2, false), 3, [](auto&) { return just(); }));
    detach(for_each_concurrent(numbers(-2), 3, [&](auto&) -> task<> {
      const room::guest in(visited);
      (void)co_await as_result(yield());
    }));
    while (visited.inside == 0) here.run(yield());
  }
  CHECK(visited.inside == 0);
}

TEST_CASE("async_range: can be stopped at each suspension", "[async_range][stop]") {
  const auto visit = [](std::unique_ptr<int> n) -> task<> {
    for (int left = *n % 3; left > 0; --left) co_await yield();
  };
  CHECK(every_cancellation([&] { return for_each_concurrent(numbers(6), 2, visit); }) > 5);
  CHECK(every_cancellation([&] { return for_each_concurrent(numbers(6, false), 2, visit); }) > 5);
}
