#include "braid/sync/mutex.hpp"

#include <memory>
#include <optional>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("mutex: a free mutex is locked at once and is free after the unlock", "[sync][mutex]") {
  IN_EVERY_STYLE(style);
  mutex door;
  loop here;
  for (int n = 0; n < 3; ++n) {
    auto held = style.wait(door.lock());
    REQUIRE(held);
    CHECK(held->owns_lock());
    CHECK(door.is_locked());
    CHECK_FALSE(door.try_lock());
  }
  CHECK_FALSE(door.is_locked());
  auto held = door.try_lock();
  REQUIRE(held);
  held->unlock();
  CHECK_FALSE(held->owns_lock());
  CHECK_FALSE(door.is_locked());
}

TEST_CASE("mutex: waiters get the lock in the order in which they came", "[sync][mutex]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  mutex door;
  loop here;
  std::vector<int> order;
  auto held = door.try_lock();
  std::vector<future<void>> waiting;
  for (int n = 0; n < 4; ++n)
    waiting.push_back(spawn(door.lock()).then([&order, n](mutex::scoped_lock) { order.push_back(n); }));
  here.run(yield());
  CHECK(order.empty());
  held.reset();
  CHECK(door.is_locked());  // handed over: no other try_lock can succeed in between
  CHECK_FALSE(door.try_lock());
  REQUIRE(style.wait(when_all(std::move(waiting))));
  CHECK(order == std::vector{0, 1, 2, 3});
  CHECK_FALSE(door.is_locked());
}

TEST_CASE("mutex: a read, an await and a write under it lose no update", "[sync][mutex]") {
  mutex door;
  int balance = 0;
  const auto deposit = [&](int times) -> task<> {
    for (int n = 0; n < times; ++n) {
      const auto held = co_await door.lock();
      const int read = balance;
      co_await yield();
      balance = read + 1;
    }
  };
  run(when_all(deposit(100), deposit(100), deposit(100)));
  CHECK(balance == 300);
}

TEST_CASE("mutex: a stopped waiter leaves the queue", "[sync][mutex][stop]") {
  mutex door;
  loop here;
  stop_source stop;
  auto held = door.try_lock();
  auto first = spawn(with_stop_token(door.lock(), stop.get_token()));
  auto second = spawn([&]() -> task<> { auto mine = co_await door.lock(); });
  here.run(yield());
  SECTION("while it waits") {
    stop.request_stop();
    CHECK(here.run(as_result(std::move(first))).error() == std::errc::operation_canceled);
    held.reset();
  }
  SECTION("after it got the lock, which it keeps") {
    held.reset();
    stop.request_stop();
    CHECK(here.run(as_result(std::move(first))).has_value());
  }
  SECTION("in a coroutine") {
    auto third =
        spawn(with_stop_token([&]() -> task<> { auto mine = co_await door.lock(); }, stop.get_token()));
    here.run(yield());
    stop.request_stop();
    CHECK(here.run(as_result(std::move(third))).error() == std::errc::operation_canceled);
    CHECK(here.run(as_result(std::move(first))).error() == std::errc::operation_canceled);
    held.reset();
  }
  here.run(std::move(second));
  here.run();
  CHECK_FALSE(door.is_locked());
}

TEST_CASE("mutex: the loop's end removes waiters from the queue, in any order", "[sync][mutex][ending]") {
  mutex door;
  std::optional<mutex::scoped_lock> outside;
  int locked_at_the_end = 0;
  {
    loop here;
    const bool held_by_one_of_them = GENERATE(true, false);
    if (!held_by_one_of_them) outside = door.try_lock();
    for (int n = 0; n < 5; ++n)
      detach([&]() -> task<> {
        const auto mine = co_await door.lock();
        ++locked_at_the_end;
        event never;
        co_await never.wait();
      });
    // A join is destroyed as a whole: when one child is destroyed it hands the lock to the next, which is
    // then destroyed, too.
    const auto holds = [&]() -> task<> {
      const auto mine = co_await door.lock();
      event never;
      co_await never.wait();
    };
    detach([&] { return when_all(holds(), holds(), holds()); });
    here.turn(false);
    here.turn(false);
  }
  outside.reset();
  CHECK_FALSE(door.is_locked());
  CHECK(locked_at_the_end <= 5);
}

TEST_CASE("mutex: 100,000 waiters get the lock", "[sync][mutex]") {
  mutex door;
  loop here;
  int got = 0;
  auto held = door.try_lock();
  for (int n = 0; n < 100'000; ++n)
    start(door.lock(), [&](result<mutex::scoped_lock> mine) { got += mine.has_value(); });
  held.reset();
  here.run();
  CHECK(got == 100'000);
}

TEST_CASE("mutex: a million locks and unlocks allocate nothing", "[sync][mutex]") {
  mutex door;
  loop here;
  int locked = 0;
  const auto locks = [&](int times) -> task<> {
    for (int n = 0; n < times; ++n) {
      const auto held = co_await door.lock();
      locked += held.owns_lock();
    }
  };
  here.run(locks(10));
  const allocation_count count;
  here.run(locks(1'000'000));
  CHECK(count.made() == 0);
  CHECK(locked == 1'000'010);
}
