#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "braid/combine/for_each_concurrent.hpp"
#include "braid/combine/map_concurrent.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/async_views.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/select.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

static_assert(async_range<channel<int>::element_range>);
static_assert(
    std::same_as<async_range_value_t<channel<std::unique_ptr<int>>::element_range>, std::unique_ptr<int>>);

namespace {

task<int> doubled(int n) {
  co_await yield();
  co_return 2 * n;
}

}  // namespace

TEST_CASE("channel: elements() is a range for views and for what walks along ranges",
          "[channel][async_range]") {
  IN_EVERY_STYLE(style);
  channel<int> numbers(8);
  loop here;
  for (int n = 1; n <= 6; ++n) REQUIRE(numbers.try_send(n));
  SECTION("a walk") {
    numbers.close();
    CHECK(style.wait(map_concurrent(numbers.elements(), 2, doubled)).value() ==
          std::vector{2, 4, 6, 8, 10, 12});
  }
  SECTION("a view, which leaves what it does not take") {
    auto some = numbers.elements() | transform(doubled) | take(2);
    CHECK(style.wait(some.next()).value() == 2);
    CHECK(style.wait(some.next()).value() == 4);
    CHECK(style.wait(some.next()).value() == std::nullopt);
    CHECK(numbers.try_receive() == 3);
  }
  SECTION("two ranges, which share the elements") {
    auto one = numbers.elements(), other = numbers.elements();
    CHECK(style.wait(one.next()).value() == 1);
    CHECK(style.wait(other.next()).value() == 2);
    CHECK(style.wait(one.next()).value() == 3);
  }
}

TEST_CASE("channel: a walk that fails leaves the elements that it has not begun", "[channel][async_range]") {
  IN_EVERY_STYLE(style);
  channel<int> numbers(8);
  loop here;
  for (int n = 1; n <= 6; ++n) REQUIRE(numbers.try_send(n));
  const auto fails_at_two = [](int n) -> task<> {
    co_await yield();
    if (n == 2) throw std::runtime_error("two");
  };
  CHECK_THAT(style.wait(for_each_concurrent(numbers.elements(), 1, fails_at_two)).error().message(),
             contains("two"));
  CHECK(numbers.try_receive() == 3);
  CHECK(numbers.size() == 3);
}

TEST_CASE("channel: receives get the cause of a close once the elements are used up", "[channel]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  channel<int> numbers(2);
  loop here;
  SECTION("elements in the channel and those of waiting sends come first") {
    auto first = spawn(numbers.send(1)), second = spawn(numbers.send(2)), third = spawn(numbers.send(3));
    here.run(yield());
    numbers.close(error(std::errc::connection_reset));
    for (int n = 1; n <= 3; ++n) CHECK(style.wait(numbers.receive()).value() == n);
    here.run(when_all(std::move(first), std::move(second), std::move(third)));
    for (int n = 0; n < 2; ++n) CHECK(style.wait(numbers.receive()).error() == std::errc::connection_reset);
    CHECK(numbers.try_receive() == std::nullopt);
    CHECK(style.wait(numbers.send(4)).error() == errc::channel_closed);
  }
  SECTION("a waiting receive gets it at once") {
    here.post([&] { numbers.close(error(std::errc::connection_reset)); });
    CHECK(style.wait(numbers.receive()).error() == std::errc::connection_reset);
  }
  SECTION("a select does, too") {
    channel<int> others(0);
    here.post([&] { numbers.close(error(std::errc::connection_reset)); });
    CHECK(style.wait(select(others.receive(), numbers.receive())).error() == std::errc::connection_reset);
    CHECK(style.wait(select(others.receive(), numbers.receive())).error() == std::errc::connection_reset);
  }
  SECTION("an exception is the caller's own") {
    numbers.close(error(std::make_exception_ptr(std::out_of_range("page 7"))));
    CHECK_THROWS_AS(style.wait(numbers.receive()).error().rethrow(), std::out_of_range);
  }
  SECTION("a permit still sends before it") {
    auto permit = numbers.try_reserve();
    numbers.close(error(std::errc::connection_reset));
    here.post([&] { permit->send(5); });
    CHECK(style.wait(numbers.receive()).value() == 5);
    CHECK(style.wait(numbers.receive()).error() == std::errc::connection_reset);
  }
  SECTION("it ends a walk") {
    REQUIRE(numbers.try_send(1));
    numbers.close(error(std::errc::connection_reset));
    CHECK(style.wait(map_concurrent(numbers.elements(), 2, doubled)).error() == std::errc::connection_reset);
  }
}

TEST_CASE("channel: the first close decides about the cause", "[channel]") {
  channel<int> numbers(1);
  loop here;
  SECTION("none") {
    numbers.close();
    numbers.close(error(std::errc::connection_reset));
    CHECK(here.run(numbers.receive()) == std::nullopt);
  }
  SECTION("the first of two") {
    numbers.close(error(std::errc::connection_reset));
    numbers.close(error(std::errc::io_error));
    numbers.close_now();
    CHECK(here.run(as_result(numbers.receive())).error() == std::errc::connection_reset);
  }
}

TEST_CASE("channel: a cancellation as the cause is not silent for the receives", "[channel]") {
  channel<int> numbers(1);
  loop here;
  error cause(std::errc::operation_canceled);
  cause.set_requested(true);
  numbers.close(cause);
  const auto ended = here.run(as_result(numbers.receive()));
  CHECK(ended.error() == std::errc::operation_canceled);
  CHECK_FALSE(ended.error().is_requested_cancellation());
}

TEST_CASE("channel: may end once its receives were told that it is closed", "[channel]") {
  loop here;
  auto numbers = std::make_unique<channel<int>>(1);
  auto waits = spawn(numbers->receive());
  here.run(yield());
  numbers->close();
  numbers.reset();
  CHECK(here.run(std::move(waits)) == std::nullopt);
}

TEST_CASE("channel: a walk along its elements can be stopped at each suspension",
          "[channel][async_range][stop]") {
  const std::size_t capacity = GENERATE(0, 2);
  every_cancellation([capacity]() -> task<> {
    channel<std::unique_ptr<int>> numbers(capacity);
    const auto sends = [&]() -> task<> {
      for (int n = 1; n <= 4; ++n) co_await numbers.send(std::make_unique<int>(n));
      numbers.close();
    };
    int sum = 0;
    const auto add = [&](std::unique_ptr<int> n) -> task<> {
      co_await yield();
      sum += *n;
    };
    co_await when_all(sends(), for_each_concurrent(numbers.elements(), 2, add));
    CHECK(sum == 10);
  });
}

TEST_CASE("channel: a close with a cause can be stopped at each suspension", "[channel][stop]") {
  const std::size_t capacity = GENERATE(0, 2);
  every_cancellation([capacity]() -> task<> {
    channel<int> numbers(capacity);
    const auto sends = [&]() -> task<> {
      for (int n = 1; n <= 3; ++n) co_await numbers.send(n);
      numbers.close(error(std::errc::connection_reset));
    };
    int ends = 0;
    const auto receives = [&]() -> task<> {
      for (;;) {
        const auto got = co_await as_result(numbers.receive());
        if (!got && got.error() == std::errc::connection_reset) {
          ++ends;
          co_return;
        }
        if (!got) got.error().rethrow();
      }
    };
    co_await when_all(sends(), receives(), receives());
    CHECK(ends == 2);
  });
}
