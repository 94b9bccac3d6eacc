#include "braid/sync/event.hpp"

#include <thread>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sync/latch.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("event: waiting for a set event ends at once", "[sync][event]") {
  IN_EVERY_STYLE(style);
  event happened(true);
  loop here;
  CHECK(style.wait(happened.wait()));
  CHECK(style.wait(happened.wait()));
  CHECK(happened.is_set());
}

TEST_CASE("event: set ends all waits in order", "[sync][event]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  event happened;
  loop here;
  std::vector<int> order;
  for (int n = 0; n < 3; ++n) start(happened.wait(), [&order, n](result<void>) { order.push_back(n); });
  here.run(yield());
  CHECK(order.empty());
  happened.set();
  CHECK(order.empty());  // never within set
  CHECK(style.wait(happened.wait()));
  here.run();
  CHECK(order == std::vector{0, 1, 2});
  happened.reset();
  CHECK_FALSE(happened.is_set());
}

TEST_CASE("event: another thread can set it through its loop", "[sync][event][threads]") {
  event happened;
  loop here;
  auto waiting = spawn(happened.wait());
  std::thread([&] { here.post([&] { happened.set(); }); }).join();
  here.run(std::move(waiting));
  CHECK(happened.is_set());
}

TEST_CASE("event: a stopped waiter leaves the queue", "[sync][event][stop]") {
  event happened;
  loop here;
  stop_source stop;
  auto first = spawn(with_stop_token(happened.wait(), stop.get_token()));
  here.run(yield());
  stop.request_stop();
  CHECK(here.run(as_result(std::move(first))).error() == std::errc::operation_canceled);
  happened.set();
}

TEST_CASE("auto_reset_event: each set ends one wait", "[sync][event]") {
  IN_EVERY_STYLE(style);
  auto_reset_event bell(true);
  loop here;
  CHECK(style.wait(bell.wait()));
  CHECK_FALSE(bell.is_set());
  bell.set();
  bell.set();  // a second set has no effect
  CHECK(style.wait(bell.wait()));
  CHECK_FALSE(bell.is_set());
  int passed = 0;
  for (int n = 0; n < 3; ++n) start(bell.wait(), [&](result<void>) { ++passed; });
  bell.set();
  bell.set();
  for (int n = 0; n < 5; ++n) here.run(yield());
  CHECK(passed == 2);
  CHECK_FALSE(bell.is_set());
  bell.set();
  here.run();
  CHECK(passed == 3);
}

TEST_CASE("auto_reset_event: a waiter destroyed after a set hands it over to the next one",
          "[sync][event][ending]") {
  auto_reset_event bell, never;
  {
    loop here;
    const auto waits = [&]() -> task<> { co_await bell.wait(); };
    struct rings {
      auto_reset_event& what;
      ~rings() { what.set(); }
    };
    const auto rings_at_its_end = [&]() -> task<> {
      const rings later{bell};
      co_await never.wait();
    };
    detach([&] { return when_all(rings_at_its_end(), waits()); });
    here.turn(false);
    here.turn(false);
  }
  CHECK(bell.is_set());
}

TEST_CASE("latch: a count of zero ends all waits", "[sync][latch]") {
  latch ready(3);
  loop here;
  int passed = 0;
  for (int n = 0; n < 2; ++n) start(ready.wait(), [&](result<void>) { ++passed; });
  ready.count_down(2);
  CHECK_FALSE(ready.try_wait());
  for (int n = 0; n < 5; ++n) here.run(yield());
  CHECK(passed == 0);
  ready.count_down();
  here.run();
  CHECK(passed == 2);
  CHECK(ready.try_wait());
  here.run(ready.wait());
  CHECK(latch(0).try_wait());
}
