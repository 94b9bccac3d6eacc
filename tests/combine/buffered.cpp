#include "braid/combine/buffered.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/async_views.hpp"
#include "braid/style/shared_task.hpp"
#include "braid/sync/channel.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

async_generator<int> below(int end) {
  for (int i = 0; i < end; ++i) {
    if (i % 3 == 1) co_await yield();
    co_yield i;
  }
}

// Completes with the value after that many turns of the loop.
task<int> after(int turns, int value) {
  for (; turns > 0; --turns) co_await yield();
  co_return value;
}

// Operations of which later ones end earlier.
async_generator<task<int>> crossing(int count) {
  for (int i = 0; i < count; ++i) co_yield after((count - i) * 2, i);
}

// Counts how many of its tasks run at the same time.
struct gauge {
  int now = 0, most = 0;
  task<int> measured(int n) {
    most = std::max(most, ++now);
    co_await yield();
    co_await yield();
    --now;
    co_return n;
  }
};

template <async_range Range>
task<std::vector<async_range_value_t<Range>>> all(Range range) {
  std::vector<async_range_value_t<Range>> seen;
  while (auto each = co_await range.next()) seen.push_back(*std::move(each));
  co_return seen;
}

task<int> sleeps(std::vector<int>& log, int n) {
  const auto ended = co_await as_result(sleep_for(1h));
  log.push_back(n);
  co_return ended ? n : throw std::runtime_error("stopped " + std::to_string(n));
}
task<int> throws(std::string what) {
  co_await yield();
  throw std::runtime_error(what);
}

}  // namespace

TEST_CASE("buffered: gives the values in the range's order, then nothing", "[buffered]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto values = crossing(7) | buffered(3);
  for (int i = 0; i < 7; ++i) CHECK(style.wait(values.next()).value() == i);
  CHECK(style.wait(values.next()).value() == std::nullopt);
  CHECK(style.wait(values.next()).value() == std::nullopt);
}

TEST_CASE("buffered: allocates for the running operations, not for the limit", "[buffered][allocation]") {
  if (!counts_allocations) return;
  loop here;
  const allocation_count count;
  auto values = crossing(7) | buffered(500'000);
  for (int i = 0; i < 7; ++i) (void)here.run(values.next());
  const std::size_t made = count.made();
  CHECK(made < 200);
}

TEST_CASE("buffered: runs no more operations at once than the limit", "[buffered]") {
  loop here;
  for (const std::size_t limit : {1, 2, 5}) {
    gauge gauged;
    auto operations = [](gauge& by) -> async_generator<task<int>> {
      for (int i = 0; i < 20; ++i) co_yield by.measured(i);
    }(gauged);
    CHECK(here.run(all(buffered(std::move(operations), limit))).size() == 20);
    CHECK(gauged.most == static_cast<int>(limit));
    CHECK(gauged.now == 0);
  }
  CHECK_THROWS_AS(buffered(crossing(1), 0), std::invalid_argument);
}

TEST_CASE("buffered: begins operations only within next, and keeps no more values than the limit",
          "[buffered]") {
  loop here;
  int made = 0;
  auto operations = [](int& count) -> async_generator<task<int>> {
    for (;;) co_yield after(0, count++);
  }(made);
  auto values = operations | buffered(3);
  here.run();
  CHECK(made == 0);
  CHECK(here.run(values.next()) == 0);
  here.run();
  CHECK(made == 3);
  CHECK(here.run(values.next()) == 1);
  CHECK(made == 4);
}

TEST_CASE("buffered: takes senders of any kind, also of void", "[buffered]") {
  loop here;
  auto nothing = below(3) | transform([](int) { return just(just()); }) | buffered(2);
  CHECK(here.run(all(std::move(nothing))).size() == 3);
  auto pooled_work = []() -> async_generator<task<std::unique_ptr<int>>> {
    for (int i = 0; i < 5; ++i)
      co_yield [](int n) -> task<std::unique_ptr<int>> {
        co_return std::make_unique<int>(co_await offload([n] { return n; }));
      }(i);
  }() | buffered(4) | transform([](std::unique_ptr<int> n) { return *n; });
  CHECK(here.run(all(std::move(pooled_work))) == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("buffered: behind a transform it runs the function's senders at once, in order", "[buffered]") {
  IN_EVERY_STYLE(style);
  loop here;
  gauge gauged;
  auto values = below(9) | transform([&](int n) { return gauged.measured(n); }) | buffered(4) | chunk(5);
  CHECK(style.wait(values.next()).value() == std::vector{0, 1, 2, 3, 4});
  CHECK(style.wait(values.next()).value() == std::vector{5, 6, 7, 8});
  CHECK(style.wait(values.next()).value() == std::nullopt);
  CHECK(gauged.most == 4);
  auto words = below(2) | transform([](int n) { return std::string(30, static_cast<char>('a' + n)); }) |
               transform([](std::string&& word) -> task<std::size_t> {
                 co_await yield();
                 co_return word.size();
               }) |
               buffered(2);
  CHECK(here.run(all(std::move(words))) == std::vector<std::size_t>{30, 30});
}

TEST_CASE("buffered: an exception of the transform's function arrives in its place", "[buffered]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto values = below(9) | transform([](int n) {
                  if (n == 2) throw std::runtime_error("two");
                  return after(3 - n, n);
                }) |
                buffered(4);
  CHECK(style.wait(values.next()).value() == 0);
  CHECK(style.wait(values.next()).value() == 1);
  CHECK(style.wait(values.next()).error().message() == "two");
  CHECK(style.wait(values.next()).value() == std::nullopt);
}

TEST_CASE("buffered: a transform may have been used before, or have ended", "[buffered]") {
  loop here;
  auto doubled = below(4) | transform([](int n) { return after(1, 2 * n); });
  CHECK(here.run(doubled.next()) == 0);
  CHECK(here.run(all(std::move(doubled) | buffered(2))) == std::vector{2, 4, 6});
  auto ended = below(0) | transform([](int n) { return after(1, n); });
  CHECK(here.run(ended.next()) == std::nullopt);
  CHECK(here.run(all(std::move(ended) | buffered(2))).empty());
}

TEST_CASE("buffered: an operation that arrives in spite of a cancelled next begins at the following one",
          "[buffered][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  loop here;
  channel<int> numbers(4);
  auto values = numbers.elements() | transform([](int n) { return after(1, n); }) | buffered(2);
  stop_source stop;
  auto waiting = spawn(with_stop_token(values.next(), stop.get_token()));
  here.run(yield());
  REQUIRE(numbers.try_send(7));
  stop.request_stop();
  CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
  CHECK(numbers.empty());
  CHECK(style.wait(values.next()).value() == 7);
  numbers.close();
  CHECK(style.wait(values.next()).value() == std::nullopt);
}

TEST_CASE("buffered: an error arrives in its place, stops the later operations and ends the range",
          "[buffered]") {
  loop here;
  std::vector<int> log;
  auto operations = [](std::vector<int>& ended) -> async_generator<task<int>> {
    co_yield after(5, 1);
    co_yield throws("broken");
    co_yield sleeps(ended, 3);
    co_yield after(0, 4);
  }(log);
  auto values = std::move(operations) | buffered(3);
  CHECK(here.run(values.next()) == 1);
  const auto ended = here.run(as_result(values.next()));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "broken");
  REQUIRE(ended.error().suppressed().size() == 1);
  CHECK(ended.error().suppressed()[0].message() == "stopped 3");
  CHECK(log == std::vector{3});
  CHECK(here.run(values.next()) == std::nullopt);
}

TEST_CASE("buffered: the range's own error follows the values that came before it", "[buffered]") {
  loop here;
  auto operations = []() -> async_generator<task<int>> {
    co_yield after(3, 1);
    co_yield after(0, 2);
    throw std::runtime_error("no more");
  }();
  auto values = std::move(operations) | buffered(8);
  CHECK(here.run(values.next()) == 1);
  CHECK(here.run(values.next()) == 2);
  CHECK_THROWS_WITH(here.run(values.next()), "no more");
  CHECK(here.run(values.next()) == std::nullopt);
}

TEST_CASE("buffered: a stop ends all operations, and the range", "[buffered][stop]") {
  loop here;
  std::vector<int> log;
  auto operations = [](std::vector<int>& ended) -> async_generator<task<int>> {
    for (int i = 0; i < 2; ++i) co_yield sleeps(ended, i);
    co_await sleep_for(1h);
  }(log);
  auto values = std::move(operations) | buffered(3);
  auto waiting = spawn(values.next());
  waiting.request_stop();
  CHECK(here.run(as_result(std::move(waiting))).error().message() == "stopped 0");
  CHECK(log.size() == 2);
  CHECK(here.run(as_result(values.next())).error() == std::errc::operation_canceled);
}

TEST_CASE("buffered: destroyed early, it stops the operations in flight; close waits for them",
          "[buffered]") {
  loop here;
  std::vector<int> log;
  const auto operations = [](std::vector<int>& ended) -> async_generator<task<int>> {
    co_yield after(0, 7);
    for (int i = 0;; ++i) co_yield sleeps(ended, i);
  };
  {
    auto left = operations(log) | buffered(3);
    CHECK(here.run(left.next()) == 7);
    CHECK(log.empty());
  }
  here.run();
  CHECK(log.size() == 2);
  log.clear();
  auto closed = operations(log) | buffered(4);
  CHECK(here.run(closed.next()) == 7);
  here.run(closed.close());
  CHECK(log.size() == 3);
  CHECK(here.run(closed.next()) == std::nullopt);
}

TEST_CASE("buffered: the loop's end abandons it", "[buffered]") {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  promise<int> unsettled;
  {
    loop here;
    auto operations = [](std::shared_ptr<int> local, future<int> wait) -> async_generator<task<int>> {
      co_yield after(0, *local);
      co_yield [](future<int> never) -> task<int> { co_return co_await std::move(never); }(std::move(wait));
    }(std::move(held), unsettled.get_future());
    std::optional values(std::move(operations) | buffered(3));
    CHECK(here.run(values->next()) == 1);
    auto waiting = spawn(values->next());
    SECTION("while a next is in flight") {}
    SECTION("after it was destroyed") { values.reset(); }
  }
  CHECK(watch.expired());
}

TEST_CASE("buffered: an element costs no allocation", "[buffered][allocation]") {
  if (!counts_allocations) return;
  loop here;
  auto endless = crossing(1'000'000) | transform([](task<int>) { return just(after(2, 1)); }) | buffered(4);
  const auto some = [&]() -> task<void> {
    for (int i = 0; i < 100; ++i) co_await endless.next();
  };
  here.run(some);
  const allocation_count count;
  here.run(some);
  const std::size_t made = count.made();
  CHECK(made == 0);
}

TEST_CASE("buffered: can be stopped, and its loop can end, at each suspension", "[buffered][stop]") {
  CHECK(every_cancellation([] { return all(crossing(5) | buffered(2)); }) >= 5);
  CHECK(every_cancellation([]() -> task<void> {
          auto left = below(9) | transform([](int n) { return just(after(n, n)); }) | buffered(3);
          co_await left.next();
          co_await left.next();
        }) >= 2);
}

TEST_CASE("buffered: copies a value before the operation that owns it is destroyed", "[buffered]") {
  loop here;
  const auto word = [](int n) -> task<std::string> {
    co_await yield();
    co_return "a word that is long enough to be on the heap " + std::to_string(n);
  };
  const auto words = [&]() -> async_generator<shared_task<std::string>> {
    for (int n = 0; n < 3; ++n) co_yield shared_task<std::string>(word(n));
  };
  auto all = buffered(words(), 2);
  for (int n = 0; n < 3; ++n)
    CHECK(here.run(all.next()) == "a word that is long enough to be on the heap " + std::to_string(n));
  CHECK_FALSE(here.run(all.next()));
}
