#include "braid/combine/merge.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/async_views.hpp"
#include "braid/sync/channel.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

static_assert(async_range<braid::detail::running_ahead<int>>);

namespace {

async_generator<int> at_once(int from, int end) {
  for (int i = from; i < end; ++i) co_yield i;
}
async_generator<int> slowly(int from, int end) {
  for (int i = from; i < end; ++i) {
    co_await yield();
    co_yield i;
  }
}
async_generator<int> waits_for(future<int> later) { co_yield co_await std::move(later); }
async_generator<int> never() {
  co_await sleep_for(1h);
  co_yield -1;
}
async_generator<int> throws_after(int count, std::string what = "out of numbers") {
  for (int i = 0; i < count; ++i) co_yield i;
  co_await yield();
  throw std::runtime_error(what);
}

// Writes its name to the log when it is destroyed.
class mark {
 public:
  explicit mark(std::vector<std::string>& log, std::string name) : log_(log), name_(std::move(name)) {}
  mark(const mark&) = delete;
  mark& operator=(const mark&) = delete;
  ~mark() { log_.push_back(name_); }

 private:
  std::vector<std::string>& log_;
  std::string name_;
};
async_generator<int> marked_sleep(std::vector<std::string>& log) {
  const mark held(log, "ended");
  co_await sleep_for(1h);
  co_yield 1;
}

template <async_range Range>
task<std::vector<async_range_value_t<Range>>> all(Range range) {
  std::vector<async_range_value_t<Range>> seen;
  while (auto each = co_await range.next()) seen.push_back(*std::move(each));
  co_return seen;
}
template <async_range Range>
task<std::vector<async_range_value_t<Range>>> all_sorted(Range range) {
  auto seen = co_await all(std::move(range));
  std::sort(seen.begin(), seen.end());
  co_return seen;
}

}  // namespace

TEST_CASE("merge: gives all elements of all ranges, then nothing", "[merge]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto both = merge(slowly(0, 3), at_once(10, 12));
  std::vector<int> seen;
  while (auto each = style.wait(both.next()).value()) seen.push_back(*each);
  CHECK(style.wait(both.next()).value() == std::nullopt);
  std::sort(seen.begin(), seen.end());
  CHECK(seen == std::vector{0, 1, 2, 10, 11});
}

TEST_CASE("merge: gives elements in the order in which they arrive", "[merge]") {
  loop here;
  promise<int> first, second;
  auto both = merge(waits_for(first.get_future()), waits_for(second.get_future()));
  auto waiting = spawn(both.next());
  second.set_value(2);
  CHECK(here.run(std::move(waiting)) == 2);
  first.set_value(1);
  CHECK(here.run(both.next()) == 1);
  CHECK(here.run(both.next()) == std::nullopt);
}

TEST_CASE("merge: ranges that always have an element take turns", "[merge]") {
  loop here;
  CHECK(here.run(all(merge(at_once(0, 3), at_once(10, 13)))) == std::vector{0, 10, 1, 11, 2, 12});
}

TEST_CASE("merge: takes ranges of several types, lvalues, and a range of ranges", "[merge]") {
  loop here;
  auto stays = at_once(5, 8);
  CHECK(here.run(all_sorted(merge(at_once(0, 2) | transform([](int n) { return long{n}; }),
                                  stays | take(2)))) == std::vector<long>{0, 1, 5, 6});
  CHECK(here.run(stays.next()) == 7);
  auto left = at_once(0, 2);
  CHECK(here.run(all(merge(left))) == std::vector{0, 1});
  std::vector<async_generator<int>> many;
  for (int i = 0; i < 10; ++i) many.push_back(slowly(i, i + 1));
  CHECK(here.run(all(merge(std::move(many)))).size() == 10);
  CHECK(here.run(all(merge(std::vector<async_generator<int>>()))).empty());
}

TEST_CASE("merge: an error stops the other ranges and follows the elements before it", "[merge]") {
  loop here;
  std::vector<std::string> log;
  auto failing = merge(throws_after(2), marked_sleep(log));
  CHECK(here.run(failing.next()) == 0);
  CHECK(here.run(failing.next()) == 1);
  CHECK(log.empty());
  CHECK_THROWS_WITH(here.run(failing.next()), "out of numbers");
  CHECK(log == std::vector<std::string>{"ended"});
  CHECK(here.run(failing.next()) == std::nullopt);
  auto twice = merge(throws_after(0, "first"), []() -> async_generator<int> {
    (void)co_await as_result(sleep_for(1h));
    throw std::runtime_error("second");
    co_yield 0;
  }());
  const auto ended = here.run(as_result(twice.next()));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "first");
  CHECK(ended.error().suppressed().size() == 1);
}

TEST_CASE("merge: a stop request ends every range", "[merge][stop]") {
  loop here;
  std::vector<std::string> log;
  auto sleeping = merge(marked_sleep(log), marked_sleep(log), slowly(0, 1));
  CHECK(here.run(sleeping.next()) == 0);
  auto waiting = spawn(sleeping.next());
  waiting.request_stop();
  CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
  CHECK(log.size() == 2);
  for (int i = 0; i < 2; ++i)
    CHECK(here.run(as_result(sleeping.next())).error() == std::errc::operation_canceled);
  here.run(sleeping.close());
  CHECK(here.run(as_result(sleeping.next())).error() == std::errc::operation_canceled);
  stop_source stop;
  stop.request_stop();
  auto unbegun = merge(at_once(0, 1), at_once(0, 1));
  CHECK(here.run(as_result(with_stop_token(unbegun.next(), stop.get_token()))).error() ==
        std::errc::operation_canceled);
  CHECK(here.run(unbegun.next()) == 0);  // no range was asked, so nothing is lost
}

TEST_CASE("merge: after a cancelled next it goes on with the ranges that do, and loses nothing",
          "[merge][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  channel<int> one(4), other(4);
  loop here;
  auto both = merge(one.elements(), other.elements());
  for (int n = 0; n < 3; ++n) {
    stop_source stop;
    auto waiting = spawn(with_stop_token(both.next(), stop.get_token()));
    here.run(yield());
    SECTION("an element arrives in the same step, before the stop request") {
      REQUIRE(one.try_send(10 * n));
      stop.request_stop();
      CHECK(here.run(std::move(waiting)) == 10 * n);
      break;
    }
    SECTION("nothing arrives") {
      stop.request_stop();
      CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
      REQUIRE(other.try_send(n));
      CHECK(style.wait(both.next()).value() == n);
    }
  }
  one.close();
  other.close();
  CHECK(style.wait(both.next()).value() == std::nullopt);
}

TEST_CASE("merge: a stop request from another thread ends it", "[merge][stop][thread][kernel]") {
  loop here;
  stop_source stop;
  auto sleeping = merge(never(), never());
  std::thread other;
  here.post([&] { other = std::thread([&] { stop.request_stop(); }); });
  CHECK(here.run(as_result(with_stop_token(sleeping.next(), stop.get_token()))).error() ==
        std::errc::operation_canceled);
  other.join();
}

TEST_CASE("merge: destroyed early, it stops the operations in flight", "[merge]") {
  loop here;
  std::vector<std::string> log;
  {
    auto left = merge(marked_sleep(log), at_once(0, 1));
    CHECK(here.run(left.next()) == 0);
    CHECK(log.empty());
  }
  here.run();
  CHECK(log == std::vector<std::string>{"ended"});
}

TEST_CASE("merge: close waits for the operations in flight and ends the range", "[merge]") {
  loop here;
  std::vector<std::string> log;
  auto closed = merge(marked_sleep(log), at_once(0, 5));
  CHECK(here.run(closed.next()) == 0);
  here.run(closed.close());
  CHECK(log == std::vector<std::string>{"ended"});
  CHECK(here.run(closed.next()) == std::nullopt);
  here.run(closed.close());
}

TEST_CASE("merge: destroying it stops a next in flight", "[merge][stop]") {
  loop here;
  std::optional sleeping(merge(never(), never()));
  auto waiting = spawn(sleeping->next());
  sleeping.reset();
  CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
}

TEST_CASE("merge: a second next in flight is a logic_error, and so is the use of one that was moved from",
          "[merge]") {
  loop here;
  auto first = merge(slowly(0, 2));
  auto waiting = spawn(first.next());
  CHECK_THROWS_AS(here.run(first.next()), std::logic_error);
  CHECK_THROWS_WITH(here.run(first.close()), "close: a next is in flight: stop it, or wait for it");
  CHECK(here.run(std::move(waiting)) == 0);
  auto second = std::move(first);
  CHECK_THROWS_AS(first.next(), std::logic_error);
  CHECK_THROWS_WITH(first.close(), "close: the range was moved from");
  CHECK(here.run(second.next()) == 1);
}

TEST_CASE("merge: the loop's end abandons it, with every kind of owner", "[merge]") {
  std::vector<std::string> log;
  promise<int> unsettled, also_unsettled;
  const auto waiting_with_mark = [](std::vector<std::string>& into,
                                    future<int> wait) -> async_generator<int> {
    const mark held(into, "destroyed");
    co_yield co_await std::move(wait);
  };
  std::optional outlives(merge(waiting_with_mark(log, unsettled.get_future()),
                               waiting_with_mark(log, also_unsettled.get_future()), at_once(0, 1)));
  {
    loop here;
    CHECK(here.run(outlives->next()) == 0);
    SECTION("its owner outlives the loop") {}
    SECTION("its owner outlives the loop, and a next is in flight") {
      auto dropped = spawn(outlives->next());
    }
    SECTION("its owner is the waiting coroutine") {
      detach([](braid::detail::running_ahead<int> owned) -> task<> {
        co_await owned.next();
      }(*std::move(outlives)));
    }
    SECTION("its owner is gone") { outlives.reset(); }
    CHECK(log.empty());
  }
  outlives.reset();
  CHECK(log.size() == 2);
}

TEST_CASE("merge: an element of another thread is delivered to the home loop", "[merge][thread]") {
  promise<loop*> known;
  auto there_is = known.get_future();
  promise<void> over;
  std::thread elsewhere([&known, end = over.get_future()]() mutable {
    loop there;
    known.set_value(&there);
    there.run(std::move(end));
  });
  loop& there = *std::move(there_is).get();
  {
    loop here;
    const auto travels = [](loop& to, int count) -> async_generator<int> {
      for (int i = 0; i < count; ++i) {
        co_await resume_on(to);
        co_yield i;
      }
    };
    CHECK(here.run(all_sorted(merge(travels(there, 20), travels(there, 20), slowly(0, 20)))).size() == 60);
    CHECK(loop::current_or_null() == &here);
  }
  over.set_value();
  elsewhere.join();
}

TEST_CASE("merge: an element costs no allocation", "[merge][allocation]") {
  if (!counts_allocations) return;
  loop here;
  auto endless = merge(slowly(0, 1'000'000), at_once(0, 1'000'000));
  const auto some = [&]() -> task<void> {
    for (int i = 0; i < 100; ++i) co_await endless.next();
  };
  here.run(some);
  const allocation_count count;
  here.run(some);
  const std::size_t made = count.made();
  CHECK(made == 0);
}

TEST_CASE("merge: can be stopped, and its loop can end, at each suspension", "[merge][stop]") {
  CHECK(every_cancellation([] { return all(merge(slowly(0, 4), at_once(0, 3), slowly(5, 7))); }) >= 4);
  CHECK(every_cancellation([]() -> task<void> {
          auto left = merge(slowly(0, 9), never());
          co_await left.next();
          co_await left.next();
        }) >= 2);
  CHECK(every_cancellation([]() -> task<void> {
          auto closed = merge(slowly(0, 9), never());
          co_await closed.next();
          co_await closed.close();
        }) >= 2);
}

TEST_CASE("merge: an element whose conversion throws is an error of its range", "[merge]") {
  loop here;
  const auto words = []() -> async_generator<std::string> { co_yield std::string("one"); };
  const auto texts = []() -> async_generator<const char*> { co_yield nullptr; };
  auto merged = merge(texts(), words());
  int failed = 0;
  for (int n = 0; n < 3; ++n) failed += !here.run(as_result(merged.next()));
  CHECK(failed == 1);
}
