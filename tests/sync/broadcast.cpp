#include "braid/sync/broadcast.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("broadcast: every subscriber gets all elements sent after its subscription", "[broadcast]") {
  IN_EVERY_STYLE(style);
  broadcast<std::string> news(4);
  loop here;
  news.send("nobody hears this");
  auto early = news.subscribe();
  news.send("one");
  auto late = news.subscribe();
  news.send("two");
  news.close();
  CHECK(style.wait(early.receive()).value() == "one");
  CHECK(style.wait(early.receive()).value() == "two");
  CHECK(style.wait(early.receive()).value() == std::nullopt);
  CHECK(style.wait(late.receive()).value() == "two");
  CHECK(style.wait(late.receive()).value() == std::nullopt);
  CHECK_THROWS_AS(news.send("three"), std::system_error);
  CHECK_THROWS_AS(broadcast<int>(0), std::invalid_argument);
}

TEST_CASE("broadcast: a slow subscriber misses the oldest elements and knows how many", "[broadcast]") {
  broadcast<int> numbers(3);
  loop here;
  auto slow = numbers.subscribe();
  for (int n = 0; n < 10; ++n) numbers.send(n);
  CHECK(slow.missed() == 7);
  CHECK(here.run(slow.receive()) == 7);
  CHECK(slow.missed() == 7);
  numbers.send(10);
  numbers.send(11);
  CHECK(slow.missed() == 8);
  CHECK(here.run(slow.receive()) == 9);
  CHECK(here.run(slow.receive()) == 10);
  CHECK(here.run(slow.receive()) == 11);
  CHECK(slow.missed() == 8);
}

TEST_CASE("broadcast: of several waiters on one subscription each element reaches one", "[broadcast]") {
  broadcast<int> numbers(1);
  loop here;
  auto both = numbers.subscribe();
  auto first = spawn(both.receive()), second = spawn(both.receive());
  here.run(yield());
  numbers.send(1);
  here.run(yield());
  CHECK_FALSE(second.is_ready());
  SECTION("one by one") {
    numbers.send(2);
    CHECK(here.run(std::move(first)) == 1);
    CHECK(here.run(std::move(second)) == 2);
  }
  SECTION("until it is closed") {
    numbers.close();
    CHECK(here.run(std::move(first)) == 1);
    CHECK(here.run(std::move(second)) == std::nullopt);
  }
}

TEST_CASE("broadcast: can be stopped at each suspension", "[broadcast][stop]") {
  every_cancellation([]() -> task<> {
    broadcast<int> numbers(2);
    const auto sums = [&](int& sum) -> task<> {
      auto mine = numbers.subscribe();
      while (const auto each = co_await mine.receive()) {
        sum += *each;
        co_await yield();
      }
      CHECK(mine.missed() == 0);
    };
    const auto sends = [&]() -> task<> {
      for (int n = 1; n <= 4; ++n) {
        numbers.send(n);
        for (int turns = 0; turns < 3; ++turns) co_await yield();
      }
      numbers.close();
    };
    int one = 0, other = 0;
    co_await when_all(sums(one), sums(other), sends());
    CHECK(one == 10);
    CHECK(other == 10);
  });
}

TEST_CASE("broadcast: a hundred thousand elements for two subscribers allocate nothing",
          "[broadcast][scale]") {
  broadcast<int> numbers(8);
  loop here;
  long sum = 0;
  const auto receives = [&](int count) -> task<> {
    auto mine = numbers.subscribe();
    for (int n = 0; n < count; ++n) sum += *co_await mine.receive();
  };
  const auto sends = [&](int count) -> task<> {
    for (int n = 0; n < count; ++n) {
      numbers.send(n);
      co_await yield();
    }
  };
  here.run(when_all(receives(100), receives(100), sends(100)));
  sum = 0;
  const allocation_count count;
  here.run(when_all(receives(100'000), receives(100'000), sends(100'000)));
  const std::size_t made = count.made();
  CHECK(made == 0);
  CHECK(sum == 2 * 4'999'950'000);
}

TEST_CASE("broadcast: an element whose copy throws goes to the next receive", "[broadcast]") {
  struct once_uncopyable {
    int* failures;
    explicit once_uncopyable(int& f) : failures(&f) {}
    once_uncopyable(const once_uncopyable& other) : failures(other.failures) {
      if (*failures > 0 && (*failures)-- > 0) throw std::runtime_error("no copy");
    }
    once_uncopyable(once_uncopyable&&) noexcept = default;
  };
  broadcast<once_uncopyable> news(1);
  loop here;
  auto both = news.subscribe();
  auto first = spawn(both.receive()), second = spawn(both.receive());
  here.run(yield());
  int failures = 1;
  news.send(once_uncopyable(failures));
  CHECK(here.run(as_result(std::move(first))).error().message() == "no copy");
  CHECK(here.run(as_result(std::move(second))).has_value());
}

TEST_CASE("broadcast: keeps no element that every subscription has received", "[broadcast]") {
  loop here;
  broadcast<std::shared_ptr<int>> news(4);
  const auto unheard = std::make_shared<int>(0);
  news.send(unheard);
  CHECK(unheard.use_count() == 1);
  auto fast = news.subscribe();
  const auto first = std::make_shared<int>(1), second = std::make_shared<int>(2);
  {
    auto slow = news.subscribe();
    news.send(first);
    news.send(second);
    CHECK(*here.run(fast.receive()) == first);
    CHECK(*here.run(fast.receive()) == second);
    CHECK(news.size() == 2);
    CHECK(*here.run(slow.receive()) == first);
    CHECK(first.use_count() == 1);
    CHECK(second.use_count() == 2);
  }
  CHECK(second.use_count() == 1);
  CHECK(news.size() == 0);
  CHECK(fast.missed() == 0);
}

TEST_CASE("broadcast: receives of one subscription complete in order, and none ends too early",
          "[broadcast]") {
  loop here;
  broadcast<int> news(1);
  auto all = news.subscribe();
  auto first = spawn(all.receive()), second = spawn(all.receive());
  here.run(yield());
  news.send(1);
  news.send(2);
  SECTION("a third receive does not overtake") {
    auto third = spawn(all.receive());
    CHECK(here.run(std::move(first)) == 2);
    CHECK(all.missed() == 1);
    here.run(yield());
    CHECK_FALSE(second.is_ready());
    news.send(3);
    CHECK(here.run(std::move(second)) == 3);
    news.close();
    CHECK(here.run(std::move(third)) == std::nullopt);
  }
  SECTION("closing ends the receives that get no element") {
    news.close();
    CHECK(here.run(std::move(first)) == 2);
    CHECK(here.run(std::move(second)) == std::nullopt);
  }
}
