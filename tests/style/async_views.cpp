#include "braid/style/async_views.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/sync/channel.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std;  // some views are named like algorithms of the standard library: both must be usable
using namespace std::chrono_literals;

namespace {

async_generator<int> below(int end) {
  for (int i = 0; i < end; ++i) {
    if (i % 2 == 1) co_await braid::yield();
    co_yield i;
  }
}
async_generator<int> throws_after(int count) {
  for (int i = 0; i < count; ++i) co_yield i;
  throw runtime_error("out of numbers");
}
task<int> squared(int n) {
  co_await braid::yield();
  co_return n* n;
}
bool is_even(int n) { return n % 2 == 0; }

template <async_range Range>
task<vector<async_range_value_t<Range>>> all(Range range) {
  vector<async_range_value_t<Range>> seen;
  while (auto each = co_await range.next()) seen.push_back(*std::move(each));
  co_return seen;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("async views: filter, transform, chunk and take can be combined", "[async_views]",
                        every_style) {
  loop here;
  const auto sum = [](vector<int> few) { return accumulate(few.begin(), few.end(), 0); };
  auto row = below(100) | filter(is_even) | braid::transform(squared) | chunk(2) | transform(sum) | take(3);
  CHECK(TestType::wait(row.next()).value() == 0 + 4);
  CHECK(TestType::wait(row.next()).value() == 16 + 36);
  CHECK(TestType::wait(row.next()).value() == 64 + 100);
  CHECK(TestType::wait(row.next()).value() == nullopt);
}

TEST_CASE("transform: takes values and senders from its function, and moves elements in", "[async_views]") {
  loop here;
  CHECK(here.run(all(transform(below(3), [](int n) { return to_string(n); }))) ==
        vector<string>{"0", "1", "2"});
  CHECK(here.run(all(below(3) | transform([](int n) { return just(n + 1); }))) == vector{1, 2, 3});
  auto owners = below(2) | transform([](int n) { return make_unique<int>(n); }) |
                transform([](unique_ptr<int> n) { return *n; });
  CHECK(here.run(all(std::move(owners))) == vector{0, 1});
}

TEST_CASE("filter: takes a function that returns bool or a sender of bool", "[async_views]") {
  loop here;
  CHECK(here.run(all(filter(below(5), is_even))) == vector{0, 2, 4});
  const auto slowly = [](int n) -> task<bool> {
    co_await braid::yield();
    co_return n > 2;
  };
  CHECK(here.run(all(below(5) | filter(slowly))) == vector{3, 4});
  CHECK(here.run(all(below(5) | filter([](int) { return false; }))).empty());
}

TEST_CASE("take: asks for no more elements than its count, and leaves the rest of an lvalue to its owner",
          "[async_views]") {
  loop here;
  auto numbers = throws_after(3);
  CHECK(here.run(all(numbers | take(2))) == vector{0, 1});
  CHECK(here.run(all(take(numbers, 0))).empty());
  CHECK(here.run(all(take(numbers, 1))) == vector{2});
  CHECK_THROWS_WITH(here.run(all(take(numbers, 1))), "out of numbers");
  CHECK(here.run(all(below(2) | take(9))) == vector{0, 1});
}

TEST_CASE("chunk: every chunk is full except the last", "[async_views]") {
  loop here;
  CHECK(here.run(all(chunk(below(4), 2))) == vector<vector<int>>{{0, 1}, {2, 3}});
  CHECK(here.run(all(chunk(below(3), 2))) == vector<vector<int>>{{0, 1}, {2}});
  CHECK(here.run(all(chunk(below(0), 2))).empty());
  CHECK_THROWS_AS(chunk(below(1), 0), invalid_argument);
}

TEST_CASE("async views: an exception of the range or a function is passed on and ends the view",
          "[async_views]") {
  loop here;
  auto row = throws_after(1) | filter(is_even) | transform(squared) | take(5);
  CHECK(here.run(row.next()) == 0);
  CHECK_THROWS_WITH(here.run(row.next()), "out of numbers");
  CHECK(here.run(row.next()) == nullopt);
  auto picky = below(3) | transform([](int n) {
                 if (n == 1) throw runtime_error("not 1");
                 return n;
               });
  CHECK(here.run(picky.next()) == 0);
  CHECK_THROWS_WITH(here.run(picky.next()), "not 1");
  CHECK(here.run(picky.next()) == nullopt);
}

TEST_CASE("async views: destroyed early, they destroy the range", "[async_views]") {
  loop here;
  auto owned = make_shared<int>(7);
  const weak_ptr<int> watch = owned;
  {
    auto left = [](shared_ptr<int> held) -> async_generator<int> {
      for (;;) co_yield *held;
    }(std::move(owned)) | filter([](int) { return true; }) |
                                                take(3);
    CHECK(here.run(left.next()) == 7);
    CHECK_FALSE(watch.expired());
  }
  CHECK(watch.expired());
}

TEST_CASE("async views: a stop request reaches the range and the functions' senders", "[async_views][stop]") {
  loop here;
  const auto sleeps = []() -> async_generator<int> {
    co_await sleep_for(1h);
    co_yield 1;
  };
  auto in_range = sleeps() | filter(is_even) | chunk(2);
  auto waiting = spawn(in_range.next());
  waiting.request_stop();
  CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
  auto in_function = below(2) | transform([](int n) -> task<int> {
                       co_await sleep_for(1h);
                       co_return n;
                     });
  auto also_waiting = spawn(in_function.next());
  also_waiting.request_stop();
  CHECK(here.run(as_result(std::move(also_waiting))).error() == std::errc::operation_canceled);
}

TEST_CASE("async views: after a cancelled next they go on with the range, and have held nothing back",
          "[async_views][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  loop here;
  channel<int> numbers(8);
  auto pairs = numbers.elements() | filter(is_even) | transform([](int n) { return n / 2; }) | chunk(2);
  for (const int n : {2, 3, 4, 5, 6}) {
    braid::stop_source stop;
    REQUIRE(numbers.try_send(n));
    auto waiting = spawn(with_stop_token(pairs.next(), stop.get_token()));
    here.run(braid::yield());
    stop.request_stop();
    const auto ended = here.run(as_result(std::move(waiting)));
    if (n == 4)
      CHECK(ended.value() == vector{1, 2});
    else
      CHECK(ended.error() == std::errc::operation_canceled);
  }
  numbers.close();
  CHECK(style.wait(pairs.next()).value() == vector{3});
  CHECK(style.wait(pairs.next()).value() == nullopt);
}

TEST_CASE("async views: the element of a function that was stopped is used up, and the view is over",
          "[async_views][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  loop here;
  channel<int> numbers(8);
  for (int n = 0; n < 3; ++n) REQUIRE(numbers.try_send(n));
  auto slow = numbers.elements() | transform([](int n) -> task<int> {
                co_await sleep_for(1h);
                co_return n;
              });
  braid::stop_source stop;
  auto waiting = spawn(with_stop_token(slow.next(), stop.get_token()));
  here.run(braid::yield());
  stop.request_stop();
  CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
  for (int n = 0; n < 2; ++n) CHECK(style.wait(slow.next()).error() == std::errc::operation_canceled);
  CHECK(numbers.size() == 2);
}

TEST_CASE("async views: destroyed while a next is in flight, they live until it has ended", "[async_views]") {
  loop here;
  std::optional slow(below(4) | transform(squared) | filter([](int n) { return n > 0; }));
  auto waiting = spawn(slow->next());
  slow.reset();
  CHECK(here.run(std::move(waiting)) == 1);
}

TEST_CASE(
    "async views: a second next in flight is a logic_error, and so is one of a view that was moved from",
    "[async_views]") {
  loop here;
  auto slow = below(4) | transform(squared);
  auto waiting = spawn(slow.next());
  CHECK_THROWS_AS(here.run(slow.next()), logic_error);
  CHECK(here.run(std::move(waiting)) == 0);
  auto moved = std::move(slow);
  CHECK_THROWS_AS(slow.next(), logic_error);
  CHECK(here.run(moved.next()) == 1);
}

TEST_CASE("async views: a view in flight at its loop's end fails as cancelled from then on",
          "[async_views]") {
  braid::promise<int> unsettled;
  auto waits = [](braid::future<int> later) -> async_generator<int> {
    co_yield co_await std::move(later);
  }(unsettled.get_future());
  auto view = waits | filter(is_even);
  {
    loop here;
    auto dropped = spawn(view.next());
    here.run(braid::yield());
  }
  loop here;
  CHECK(here.run(as_result(view.next())).error() == std::errc::operation_canceled);
}

TEST_CASE("async views: an element costs no allocation, and a chunk one", "[async_views][allocation]") {
  if (!counts_allocations) return;
  loop here;
  auto endless = below(1'000'000) | filter(is_even) | transform(squared) | chunk(20);
  const auto some = [&]() -> task<void> {
    for (int n = 0; n < 20; ++n) co_await endless.next();
  };
  here.run(some);
  const allocation_count count;
  here.run(some);
  const std::size_t made = count.made();
  CHECK(made == 20);
}

TEST_CASE("async views: can be stopped, and the loop can end, at each suspension", "[async_views][stop]") {
  CHECK(every_cancellation(
            [] { return all(below(9) | filter(is_even) | transform(squared) | take(4) | chunk(2)); }) >= 8);
}
