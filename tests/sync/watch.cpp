#include "braid/sync/watch.hpp"

#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("watch: a reader gets the latest value, once", "[watch]") {
  IN_EVERY_STYLE(style);
  watch<std::string> weather("fine");
  loop here;
  auto reader = weather.read();
  CHECK(style.wait(reader.receive()).value() == "fine");
  weather.set("rain");
  weather.set("snow");
  CHECK(style.wait(reader.receive()).value() == "snow");
  CHECK(weather.get() == "snow");
  here.post([&] { weather.set("fog"); });
  CHECK(style.wait(reader.receive()).value() == "fog");
  weather.set("sun");
  weather.close();
  CHECK(style.wait(reader.receive()).value() == "sun");
  CHECK(style.wait(reader.receive()).value() == std::nullopt);
  CHECK_THROWS_AS(weather.set("hail"), std::system_error);
}

TEST_CASE("watch: set wakes all waiters, which get the latest value", "[watch]") {
  watch<int> number(0);
  loop here;
  auto one = number.read(), other = number.read();
  here.run(when_all(one.receive(), other.receive()));
  auto first = spawn(one.receive()), second = spawn(other.receive());
  here.run(yield());
  number.set(1);
  number.set(2);
  CHECK(here.run(when_all(std::move(first), std::move(second))) == std::tuple(2, 2));
}

TEST_CASE("watch: can be stopped at each suspension", "[watch][stop]") {
  every_cancellation([]() -> task<> {
    watch<int> number(0);
    const auto reads = [&]() -> task<> {
      auto mine = number.read();
      int last = -1;
      while (const auto each = co_await mine.receive()) {
        CHECK(*each > last);
        last = *each;
        co_await yield();
      }
      CHECK(last == 3);
    };
    const auto sets = [&]() -> task<> {
      for (int n = 1; n <= 3; ++n) {
        co_await yield();
        number.set(n);
      }
      number.close();
    };
    co_await when_all(reads(), reads(), sets());
  });
}

TEST_CASE("watch: two receives of one reader get a value each", "[watch]") {
  loop here;
  watch<int> level(1);
  auto reader = level.read();
  CHECK(here.run(reader.receive()) == 1);
  auto first = spawn(reader.receive()), second = spawn(reader.receive());
  here.run(yield());
  level.set(2);
  CHECK(here.run(std::move(first)) == 2);
  here.run(yield());
  CHECK_FALSE(second.is_ready());
  level.set(3);
  CHECK(here.run(std::move(second)) == 3);
}
