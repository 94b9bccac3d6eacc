#include "braid/style/shared_task.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

static_assert(sender<shared_task<int>> && std::copyable<shared_task<int>>);
static_assert(std::is_same_v<value_of<shared_task<std::string>>, const std::string&>);
static_assert(std::is_void_v<value_of<shared_task<>>>);
static_assert(std::is_same_v<value_of<shared_task<int&>>, int&>);

namespace {

shared_task<std::string> greeting(int& runs) {
  ++runs;
  co_await yield();
  co_return "a greeting that is too long for its object";
}

shared_task<int> sleeps(int& runs) {
  ++runs;
  co_await sleep_for(1h);
  co_return 1;
}

shared_task<> fails() {
  co_await yield();
  throw std::runtime_error("no luck");
}

task<std::size_t> length_of(shared_task<std::string> text) { co_return (co_await text).size(); }

}  // namespace

TEMPLATE_LIST_TEST_CASE("shared_task: runs once and gives each waiter the same object", "[shared_task]",
                        every_style) {
  loop here;
  int runs = 0;
  auto text = greeting(runs);
  CHECK_FALSE(text.is_ready());
  const auto first = TestType::wait(text);
  const auto second = TestType::wait(text);
  CHECK(*first == "a greeting that is too long for its object");
  CHECK(&*first == &*second);
  CHECK(runs == 1);
  CHECK(text.is_ready());
}

TEMPLATE_LIST_TEST_CASE("shared_task: each waiter gets the exception", "[shared_task]", every_style) {
  loop here;
  auto failing = fails();
  auto also = spawn(failing);
  for (int i = 0; i < 2; ++i) {
    const auto ended = TestType::wait(failing);
    REQUIRE_FALSE(ended);
    CHECK(ended.error().message() == "no luck");
    CHECK_FALSE(ended.error().stack().empty());
  }
  CHECK_THROWS_WITH(here.run(std::move(also)), "no luck");
}

TEST_CASE("shared_task: is lazy: without a waiter it runs nothing", "[shared_task]") {
  loop here;
  int runs = 0;
  {
    const auto never = greeting(runs);
    const auto copy = never;
    here.run();
  }
  CHECK(runs == 0);
}

TEST_CASE("shared_task: many waiters share one run", "[shared_task]") {
  loop here;
  int runs = 0;
  auto text = greeting(runs);
  std::vector<task<std::size_t>> waiting;
  for (int i = 0; i < 10; ++i) waiting.push_back(length_of(text));
  CHECK(here.run(when_all(std::move(waiting))) == std::vector<std::size_t>(10, 42));
  CHECK(runs == 1);
  const auto [left, right] = here.run(when_all(length_of(text), length_of(text)));
  CHECK(left + right == 84);
  CHECK(runs == 1);
}

TEST_CASE("shared_task: is made of a task of a value, of void or of a reference", "[shared_task]") {
  loop here;
  int held = 5;
  shared_task<int&> refers = [](int& to) -> task<int&> { co_return to; }(held);
  CHECK(&here.run(refers) == &held);
  int runs = 0;
  shared_task<> nothing = [](int& counted) -> task<> {
    ++counted;
    co_return;
  }(runs);
  here.run(nothing);
  here.run(nothing);
  CHECK(runs == 1);
  const shared_task<std::unique_ptr<int>> owns = []() -> task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(3);
  }();
  CHECK(*here.run(owns) == 3);
}

TEST_CASE("shared_task: its locals are destroyed at its end, its value with the last handle",
          "[shared_task]") {
  loop here;
  auto local = std::make_shared<int>(1);
  auto value = std::make_shared<int>(2);
  const std::weak_ptr<int> watch_local = local, watch_value = value;
  std::optional<shared_task<std::shared_ptr<int>>> first =
      [](std::shared_ptr<int>, std::shared_ptr<int> result) -> shared_task<std::shared_ptr<int>> {
    co_await yield();
    co_return std::move(result);
  }(std::move(local), std::move(value));
  auto second = *first;
  here.run([&]() -> task<void> { co_await *first; });
  CHECK(watch_local.expired());
  first.reset();
  CHECK_FALSE(watch_value.expired());
  CHECK(**here.run(as_result(second)) == 2);
  { const auto last = std::move(second); }
  CHECK(watch_value.expired());
}

TEST_CASE("shared_task: a handle may be destroyed before the run has ended", "[shared_task]") {
  loop here;
  int runs = 0;
  std::optional text(greeting(runs));
  auto waiting = spawn(length_of(*text));
  text.reset();
  CHECK(here.run(std::move(waiting)) == 42);
}

TEST_CASE("shared_task: awaiting a moved-from handle is a logic_error", "[shared_task]") {
  loop here;
  int runs = 0;
  auto first = greeting(runs);
  const auto second = std::move(first);
  CHECK_THROWS_AS(here.run(first), std::logic_error);
}

TEST_CASE("shared_task: a cancelled waiter leaves alone; the last one stops the run", "[shared_task][stop]") {
  loop here;
  int runs = 0;
  auto sleeping = sleeps(runs);
  auto first = spawn(sleeping);
  auto second = spawn(sleeping);
  first.request_stop();
  CHECK(here.run(as_result(std::move(first))).error() == std::errc::operation_canceled);
  CHECK_FALSE(sleeping.is_ready());
  second.request_stop();
  CHECK(here.run(as_result(std::move(second))).error() == std::errc::operation_canceled);
  CHECK(sleeping.is_ready());
  CHECK(here.run(as_result(sleeping)).error() == std::errc::operation_canceled);
  CHECK(runs == 1);
}

TEST_CASE("shared_task: the last cancelled waiter waits for the run's end and gets its value",
          "[shared_task][stop]") {
  loop here;
  shared_task<int> steadfast = []() -> task<int> {
    (void)co_await as_result(sleep_for(1h));
    (void)co_await as_result(yield());
    co_return 4;
  }();
  auto last = spawn(steadfast);
  last.request_stop();
  auto late = spawn(steadfast);
  CHECK(here.run(std::move(last)) == 4);
  CHECK(here.run(std::move(late)) == 4);
}

TEST_CASE("shared_task: is stopped if its first waiter is stopped already", "[shared_task][stop]") {
  loop here;
  stop_source stop;
  stop.request_stop();
  int runs = 0;
  const auto sleeping = sleeps(runs);
  CHECK(here.run(as_result(with_stop_token(sleeping, stop.get_token()))).error() ==
        std::errc::operation_canceled);
}

TEST_CASE("shared_task: the stack continues with the first waiter that has not left", "[shared_task]") {
  loop here;
  auto failing = fails();
  const auto outer = [](shared_task<> awaited) -> task<> { co_await awaited; };
  auto first = spawn(outer(failing));
  auto second = spawn(outer(failing));
  std::size_t depth = 0;
  SECTION("all waiters stay") { depth = here.run(as_result(std::move(first))).error().stack().size(); }
  SECTION("the first waiter is cancelled") {
    first.request_stop();
    (void)here.run(as_result(std::move(first)));
    depth = 3;
  }
  CHECK(depth == 3);  // the frames of fails, outer and spawn
  CHECK(here.run(as_result(std::move(second))).error().stack().size() == 3);
}

TEST_CASE("shared_task: the loop's end abandons it, in every order of its waiters", "[shared_task]") {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  promise<void> never;
  std::optional<shared_task<int>> outlives;
  {
    loop here;
    outlives = [](std::shared_ptr<int> local, future<void> wait) -> shared_task<int> {
      co_await std::move(wait);
      co_return *local;
    }(std::move(held), never.get_future());
    detach([](shared_task<int> awaited) -> task<> { co_await awaited; }(*outlives));
    auto dropped = spawn(*outlives);
    start(*outlives, [](result<const int&>) {});
    SECTION("a handle is left") {}
    SECTION("no handle is left") { outlives.reset(); }
    CHECK_FALSE(watch.expired());
  }
  CHECK(watch.expired());
  if (outlives) {
    loop another;
    CHECK(another.run(as_result(*outlives)).error() == std::errc::operation_canceled);
  }
}

TEST_CASE("shared_task: awaiting it on another loop than its run's is a logic_error",
          "[shared_task][thread]") {
  loop here;
  promise<void> later;
  shared_task<> waits = [](future<void> wait) -> task<> { co_await std::move(wait); }(later.get_future());
  auto at_home = spawn(waits);
  std::thread([&waits] {
    // Until the join only this thread uses the handle.
    CHECK_THROWS_AS(run(waits), std::logic_error);
  }).join();
  later.set_value();
  here.run(std::move(at_home));
}

TEST_CASE("shared_task: returns from another loop before its waiters go on", "[shared_task][thread]") {
  promise<loop*> known;
  auto there_is = known.get_future();
  promise<void> over;
  std::thread elsewhere([&known, end = over.get_future()]() mutable {
    loop there;
    known.set_value(&there);
    there.run(std::move(end));
  });
  loop& there = *std::move(there_is).get();
  loop here;
  shared_task<int> travels = [](loop& to) -> task<int> {
    co_await resume_on(to);
    co_return 8;
  }(there);
  const auto home = std::this_thread::get_id();
  int resumed_at_home = 0;
  const auto waits = [&]() -> task<void> {
    if (co_await travels == 8 && std::this_thread::get_id() == home) ++resumed_at_home;
  };
  here.run(when_all(waits(), waits()));
  CHECK(resumed_at_home == 2);
  over.set_value();
  elsewhere.join();
}

TEST_CASE("shared_task: allocates nothing once the pools are warm", "[shared_task][allocation]") {
  if (!counts_allocations) return;
  loop here;
  const auto once = [&] {
    shared_task<int> one = []() -> task<int> {
      co_await yield();
      co_return 1;
    }();
    const auto waits = [](shared_task<int> awaited) -> task<int> { co_return co_await awaited; };
    return here.run(when_all(waits(one), waits(one)));
  };
  (void)once();
  const allocation_count count;
  (void)once();
  const std::size_t made = count.made();
  CHECK(made == 0);
}

TEST_CASE("shared_task: can be stopped, and its loop can end, at each suspension", "[shared_task][stop]") {
  CHECK(every_cancellation([]() -> task<void> {
          int runs = 0;
          auto text = greeting(runs);
          auto first = spawn(length_of(text));
          auto second = spawn(length_of(text));
          co_await length_of(text);
          first.request_stop();
          (void)co_await as_result(std::move(first));
          (void)co_await as_result(std::move(second));
        }) >= 3);
  CHECK(every_cancellation([]() -> task<void> {
          shared_task<int> slow = []() -> task<int> {
            co_await sleep_for(1us);
            co_await yield();
            co_return 1;
          }();
          const auto waits = [](shared_task<int> awaited) -> task<int> { co_return co_await awaited; };
          co_await when_all(waits(slow), waits(slow), slow);
          co_await slow;
        }) >= 3);
}
