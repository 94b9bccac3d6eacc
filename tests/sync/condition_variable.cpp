#include "braid/sync/condition_variable.hpp"

#include <stdexcept>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("condition_variable: waits until the predicate holds and then has the lock",
          "[sync][condition_variable]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  mutex door;
  condition_variable changed;
  loop here;
  int stock = 0;
  const auto delivers = [&]() -> task<> {
    for (int n = 0; n < 3; ++n) {
      co_await yield();
      const auto held = co_await door.lock();
      ++stock;
      changed.notify_all();
    }
  };
  detach(delivers);
  auto held = *door.try_lock();
  CHECK(style.wait(changed.wait(held, [&] { return stock == 3; })));
  CHECK(held.owns_lock());
  CHECK(stock == 3);
  CHECK(style.wait(changed.wait(held, [] { return true; })));
}

TEST_CASE("condition_variable: notify_one wakes the longest waiter", "[sync][condition_variable]") {
  mutex door;
  condition_variable changed;
  loop here;
  std::vector<int> woken;
  const auto waits = [&](int name) -> task<> {
    auto held = co_await door.lock();
    co_await changed.wait(held);
    woken.push_back(name);
  };
  auto all = spawn(when_all(waits(1), waits(2), waits(3)));
  here.run();
  CHECK(woken.empty());
  CHECK_FALSE(door.is_locked());
  changed.notify_one();
  here.run();
  CHECK(woken == std::vector{1});
  changed.notify_all();
  here.run(std::move(all));
  CHECK(woken == std::vector{1, 2, 3});
  changed.notify_one();  // no waiter
}

TEST_CASE("condition_variable: a stopped wait has the lock again", "[sync][condition_variable][stop]") {
  mutex door;
  condition_variable changed;
  loop here;
  bool locked_when_stopped = false;
  auto stopped = spawn([&]() -> task<> {
    auto held = co_await door.lock();
    try {
      co_await changed.wait(held);
    } catch (const std::system_error&) {
      locked_when_stopped = held.owns_lock();
      throw;
    }
  });
  here.run();
  auto other = door.try_lock();
  REQUIRE(other);
  stopped.request_stop();
  here.run();
  CHECK_FALSE(stopped.is_ready());  // it waits for the lock
  other.reset();
  CHECK(here.run(as_result(std::move(stopped))).error() == std::errc::operation_canceled);
  CHECK(locked_when_stopped);
  CHECK_FALSE(door.is_locked());
}

TEST_CASE("condition_variable: can be stopped at each suspension", "[sync][condition_variable][stop]") {
  every_cancellation([]() -> task<> {
    mutex door;
    condition_variable changed;
    int stock = 0, taken = 0;
    const auto takes = [&]() -> task<> {
      auto held = co_await door.lock();
      const auto in_stock = [&] { return stock > 0; };
      co_await changed.wait(held, in_stock);
      --stock;
      ++taken;
    };
    const auto delivers = [&]() -> task<> {
      for (int n = 0; n < 2; ++n) {
        co_await yield();
        const auto held = co_await door.lock();
        ++stock;
        changed.notify_one();
      }
    };
    co_await when_all(takes(), takes(), delivers());
    CHECK(taken == 2);
  });
}

TEST_CASE("condition_variable: refuses a lock that does not own a mutex", "[sync][condition_variable]") {
  mutex door;
  condition_variable changed;
  auto held = *door.try_lock();
  held.unlock();
  CHECK_THROWS_AS(run(changed.wait(held)), std::logic_error);
}
