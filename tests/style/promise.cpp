#include "braid/style/promise.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("promise: settling it twice is a logic_error that names the call", "[promise]") {
  promise<int> once;
  auto waiting = once.get_future();
  once.set_value(1);
  CHECK_THROWS_AS(once.set_value(2), std::logic_error);
  CHECK_THROWS_WITH(once.set_value(2), contains("promise::set_value"));
  CHECK_THROWS_WITH(once.set_error(std::errc::io_error), contains("promise::set_error"));
  CHECK(std::move(waiting).get() == 1);
}

TEST_CASE("promise: its future can be taken once", "[promise]") {
  promise<void> one;
  auto waiting = one.get_future();
  CHECK_THROWS_AS(one.get_future(), std::logic_error);
  one.set_value();
  CHECK_NOTHROW(std::move(waiting).get());
}

TEST_CASE("promise: a moved-from promise cannot be settled; its new owner can be", "[promise]") {
  promise<int> first;
  auto waiting = first.get_future();
  promise<int> second = std::move(first);
  CHECK_THROWS_WITH(first.set_value(1), "promise::set_value: the promise was settled or moved from already");
  second.set_value(2);
  CHECK(std::move(waiting).get() == 2);
}

TEST_CASE("promise: dropped unsettled it is broken_promise, also on a thread without a loop", "[promise]") {
  auto dropped = std::make_unique<promise<int>>();
  auto waiting = dropped->get_future();
  dropped.reset();
  REQUIRE(waiting.is_ready());
  const auto ended = capture([&] { return std::move(waiting).get(); });
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == errc::broken_promise);
}

TEST_CASE("promise: a dropped promise without a future reports nothing", "[promise]") {
  loop here;
  int unhandled = 0;
  here.on_unhandled_error([&](const error&) { ++unhandled; });
  { promise<int> neither; }
  here.run();
  CHECK(unhandled == 0);
}

TEST_CASE("promise: dropping a promise and its future reports nothing", "[promise]") {
  loop here;
  int unhandled = 0;
  here.on_unhandled_error([&](const error&) { ++unhandled; });
  auto first = std::make_unique<promise<int>>(), second = std::make_unique<promise<int>>();
  (void)first->get_future();
  first.reset();
  {
    const auto waiting = second->get_future();
    second.reset();
  }
  here.run();
  CHECK(unhandled == 0);
}

TEST_CASE("promise: a dropped promise fails the chain on its future", "[promise]") {
  loop here;
  std::vector<error> unhandled;
  here.on_unhandled_error([&](const error& why) { unhandled.push_back(why); });
  bool ran = false;
  {
    promise<int> dropped;
    (void)dropped.get_future().then([&](int) { ran = true; });
  }
  here.run();
  CHECK_FALSE(ran);
  REQUIRE(unhandled.size() == 1);
  CHECK(unhandled[0] == errc::broken_promise);

  {
    promise<void> dropped;
    detach(dropped.get_future());
  }
  here.run();
  REQUIRE(unhandled.size() == 2);
  CHECK(unhandled[1] == errc::broken_promise);
}

TEST_CASE("promise: its error is reported if the future was dropped", "[promise]") {
  loop here;
  std::vector<error> unhandled;
  here.on_unhandled_error([&](const error& why) { unhandled.push_back(why); });
  {
    promise<int> failed;
    (void)failed.get_future();
    failed.set_error(std::errc::io_error);
  }
  here.run();
  REQUIRE(unhandled.size() == 1);
  CHECK(unhandled[0] == std::errc::io_error);
}

TEST_CASE("promise: an error that arrives after its waiter was cancelled is not reported",
          "[promise][stop]") {
  loop here;
  int unhandled = 0;
  here.on_unhandled_error([&](const error&) { ++unhandled; });
  promise<int> awaited, chained;
  auto waits = spawn(awaited.get_future());
  auto chain = spawn(chained.get_future().then([](int n) { return n; }));
  waits.request_stop();
  chain.request_stop();
  CHECK(here.run(as_result(std::move(waits))) == std::errc::operation_canceled);
  CHECK(here.run(as_result(std::move(chain))) == std::errc::operation_canceled);
  awaited.set_error(std::errc::io_error);
  chained.set_error(std::errc::io_error);
  here.run();
  CHECK(unhandled == 0);
}

TEST_CASE("promise: assigning to a pending promise breaks it", "[promise]") {
  promise<int> one;
  auto waiting = one.get_future();
  one = promise<int>();
  REQUIRE(waiting.is_ready());
  CHECK(capture([&] { return std::move(waiting).get(); }).error() == errc::broken_promise);
}

TEST_CASE("promise: the loop sees the whole values of 1,000 promises settled by other threads",
          "[promise][thread]") {
  constexpr int each = 250;
  std::vector<promise<std::unique_ptr<std::string>>> promises(4 * each);
  std::vector<future<std::unique_ptr<std::string>>> futures;
  for (auto& one : promises) futures.push_back(one.get_future());

  loop here;
  std::vector<std::thread> settlers;
  for (int t = 0; t < 4; ++t)
    settlers.emplace_back([&promises, t] {
      for (int i = t * each; i < (t + 1) * each; ++i)
        promises[static_cast<std::size_t>(i)].set_value(std::make_unique<std::string>(std::to_string(i)));
    });
  const auto all = here.run(when_all(std::move(futures)));
  for (std::thread& one : settlers) one.join();
  int right = 0;
  for (std::size_t i = 0; i < all.size(); ++i) right += *all[i] == std::to_string(i);
  CHECK(right == 4 * each);
}

TEST_CASE("promise: futures dropped while other threads settle them leak nothing", "[promise][thread]") {
  loop here;
  int unhandled = 0;
  here.on_unhandled_error([&](const error& why) { unhandled += why == std::errc::io_error; });
  for (int i = 0; i < 200; ++i) {
    promise<std::string> racing;
    auto dropped = std::make_unique<future<std::string>>(racing.get_future());
    std::thread settles([&] {
      if (i % 2 == 0)
        racing.set_value("a value that is too long to be kept inside of the string itself");
      else
        racing.set_error(std::errc::io_error);
    });
    dropped.reset();
    settles.join();
  }
  here.run();
  CHECK(unhandled == 100);
}

TEST_CASE("promise: a value whose copy throws does not settle it", "[promise]") {
  struct uncopyable {
    uncopyable() = default;
    uncopyable(const uncopyable&) { throw std::runtime_error("no copy"); }
    uncopyable(uncopyable&&) noexcept = default;
  };
  loop here;
  promise<uncopyable> settled;
  auto waiting = settled.get_future();
  const uncopyable value;
  CHECK_THROWS_AS(settled.set_value(value), std::runtime_error);
  settled.set_error(std::errc::io_error);
  CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::io_error);
}

TEST_CASE("promise: is wanted until its future is dropped, asked to stop, or settled", "[promise][stop]") {
  promise<int> dropped, moved, asked, settled;
  CHECK(dropped.is_wanted());
  {
    future<int> one = dropped.get_future();
    const future<int> other = std::move(one);
    CHECK(dropped.is_wanted());
  }
  CHECK_FALSE(dropped.is_wanted());
  CHECK(dropped.get_stop_token().stop_requested());
  dropped.set_value(1);  // changes nothing, and is no error
  const future<int> kept = moved.get_future();
  promise<int> owner = std::move(moved);
  CHECK(owner.is_wanted());
  CHECK_FALSE(moved.is_wanted());
  const future<int> stopped = asked.get_future();
  stopped.request_stop();
  CHECK_FALSE(asked.is_wanted());
  asked.set_value(1);
  auto got = settled.get_future();
  settled.set_value(2);
  CHECK_FALSE(settled.is_wanted());
  CHECK_FALSE(settled.get_stop_token().stop_possible());
  CHECK(std::move(got).get() == 2);
}

TEST_CASE("promise: a callback learns that the future was dropped, and may settle the promise",
          "[promise][stop]") {
  auto asked = std::make_unique<promise<int>>();
  auto answer = std::make_unique<future<int>>(asked->get_future());
  int called = 0;
  {
    const stop_callback on_drop(asked->get_stop_token(), [&]() noexcept {
      ++called;
      asked->set_value(1);
    });
    answer.reset();
  }
  CHECK(called == 1);
}

TEST_CASE("promise: the cancellation of the waiter stops the operation that makes the value",
          "[promise][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  bool stopped = false;
  const auto producer = [&](promise<int> into) -> task<> {
    auto work = as_result(with_stop_token(sleep_for(1h), into.get_stop_token()));
    const auto ended = co_await std::move(work);
    stopped = !ended;
  };
  promise<int> asked;
  auto answer = asked.get_future();
  auto producing = spawn(producer(std::move(asked)));
  CHECK(style.wait(with_timeout(std::move(answer), 1ms)).error() == std::errc::timed_out);
  here.run(std::move(producing));
  CHECK(stopped);
}

TEST_CASE("promise: a drop on one thread races with the promise's end on another", "[promise][threads]") {
  for (int round = 0; round < 500; ++round) {
    promise<int> asked;
    std::thread other([answer = asked.get_future()]() mutable { const auto dropped = std::move(answer); });
    {
      int called = 0;
      const stop_callback on_drop(asked.get_stop_token(), [&]() noexcept { ++called; });
    }
    if (round % 2 == 0) asked.set_value(round);
    { const auto end = std::move(asked); }
    other.join();
  }
}
