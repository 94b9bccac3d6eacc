#include "braid/sync/semaphore.hpp"

#include <algorithm>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("semaphore: acquires as many times as there are permits", "[sync][semaphore]") {
  IN_EVERY_STYLE(style);
  semaphore seats(2);
  loop here;
  {
    const auto one = style.wait(seats.acquire());
    REQUIRE(one);
    CHECK(seats.available() == 1);
    const auto other = seats.try_acquire();
    REQUIRE(other);
    CHECK_FALSE(seats.try_acquire());
  }
  CHECK(seats.available() == 2);
}

TEST_CASE("semaphore: never has more holders than permits", "[sync][semaphore]") {
  semaphore seats(3);
  int inside = 0, most = 0, served = 0;
  std::vector<task<>> guests;
  const auto guest = [&](int turns) -> task<> {
    const auto seat = co_await seats.acquire();
    most = std::max(most, ++inside);
    for (int n = 0; n < turns; ++n) co_await yield();
    --inside;
    ++served;
  };
  for (int n = 0; n < 50; ++n) guests.push_back(guest(n % 7));
  run(when_all(std::move(guests)));
  CHECK(most == 3);
  CHECK(served == 50);
  CHECK(seats.available() == 3);
}

TEST_CASE("semaphore: release admits the longest waiters and keeps the remaining permits",
          "[sync][semaphore]") {
  semaphore items(0);
  loop here;
  std::vector<int> order;
  for (int n = 0; n < 3; ++n)
    start(items.acquire(), [&order, n](result<semaphore::permit> taken) {
      order.push_back(n);
      taken->forget();
    });
  here.run(yield());
  CHECK(order.empty());
  items.release(2);
  here.run();
  CHECK(order == std::vector{0, 1});
  items.release(3);
  here.run();
  CHECK(order == std::vector{0, 1, 2});
  CHECK(items.available() == 2);
}

TEST_CASE("semaphore: a stopped waiter leaves the queue and loses no permit", "[sync][semaphore][stop]") {
  semaphore seats(0);
  loop here;
  stop_source stop;
  auto first = spawn(with_stop_token(seats.acquire(), stop.get_token()));
  auto second = spawn(seats.acquire());
  here.run(yield());
  stop.request_stop();
  seats.release();
  CHECK(here.run(as_result(std::move(first))).error() == std::errc::operation_canceled);
  CHECK(here.run(as_result(std::move(second))).has_value());
  CHECK(seats.available() == 1);
}
