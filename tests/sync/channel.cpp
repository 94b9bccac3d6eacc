#include "braid/sync/channel.hpp"

#include <memory>
#include <optional>
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

TEST_CASE("channel: what is sent is received, in its order", "[channel]") {
  IN_EVERY_STYLE(style);
  channel<std::string> words(2);
  loop here;
  CHECK(style.wait(words.send("one")));
  CHECK(style.wait(words.send("two")));
  CHECK(words.size() == 2);
  CHECK(style.wait(words.receive()).value() == "one");
  words.close();
  CHECK(style.wait(words.receive()).value() == "two");
  CHECK(style.wait(words.receive()).value() == std::nullopt);
  const auto refused = style.wait(words.send("three"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == errc::channel_closed);
}

TEST_CASE("channel: who must wait is served in the order of coming", "[channel]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  const std::size_t capacity = GENERATE(0, 1, 3);
  channel<int> numbers(capacity);
  loop here;
  std::vector<int> received;
  for (int n = 0; n < 3; ++n)
    start(numbers.receive(), [&, n](result<std::optional<int>> got) { received.push_back(10 * n + **got); });
  here.run(yield());
  CHECK(received.empty());
  for (int n = 0; n < 3; ++n) REQUIRE(style.wait(numbers.send(n)));
  here.run();
  CHECK(received == std::vector{0, 11, 22});

  std::vector<int> sent;
  for (int n = 0; n < 5; ++n) start(numbers.send(n), [&, n](result<void>) { sent.push_back(n); });
  for (int turns = 0; turns < 5; ++turns) here.run(yield());
  CHECK(sent.size() == capacity);
  for (int n = 0; n < 5; ++n) CHECK(style.wait(numbers.receive()).value() == n);
  here.run();
  CHECK(sent == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("channel: try_send and try_receive never wait, and lose nothing", "[channel]") {
  channel<std::unique_ptr<int>> numbers(1);
  auto one = std::make_unique<int>(1), two = std::make_unique<int>(2);
  CHECK(numbers.try_send(std::move(one)));
  CHECK_FALSE(numbers.try_send(std::move(two)));
  REQUIRE(two != nullptr);
  CHECK(**numbers.try_receive() == 1);
  CHECK_FALSE(numbers.try_receive());
  numbers.close();
  CHECK_FALSE(numbers.try_send(std::move(two)));
  CHECK(two != nullptr);
  CHECK(channel<int>(channel<int>::unbounded).try_send(1));
  CHECK_FALSE(channel<int>(0).try_send(1));
}

TEST_CASE("channel: closing tells who waits to receive; what others wait to send is received", "[channel]") {
  channel<int> numbers(0);
  loop here;
  SECTION("receivers") {
    auto first = spawn(numbers.receive()), second = spawn(numbers.receive());
    here.run(yield());
    numbers.close();
    numbers.close();
    CHECK(here.run(when_all(std::move(first), std::move(second))) == std::tuple(std::nullopt, std::nullopt));
  }
  SECTION("senders") {
    auto first = spawn(numbers.send(1)), second = spawn(numbers.send(2));
    here.run(yield());
    numbers.close();
    CHECK(numbers.is_closed());
    CHECK(here.run(numbers.receive()) == 1);
    CHECK(here.run(numbers.receive()) == 2);
    CHECK(here.run(numbers.receive()) == std::nullopt);
    here.run(when_all(std::move(first), std::move(second)));
  }
}

TEST_CASE("channel: a send or receive that is stopped has not happened", "[channel][stop]") {
  channel<int> numbers(0);
  loop here;
  stop_source stop;
  SECTION("receive") {
    auto stopped = spawn(with_stop_token(numbers.receive(), stop.get_token()));
    auto other = spawn(numbers.receive());
    here.run(yield());
    stop.request_stop();
    here.run(numbers.send(7));
    CHECK(here.run(std::move(other)) == 7);
    CHECK(here.run(as_result(std::move(stopped))).error() == std::errc::operation_canceled);
  }
  SECTION("receive, which had its element already") {
    auto served = spawn(with_stop_token(numbers.receive(), stop.get_token()));
    here.run(yield());
    CHECK(numbers.try_send(7));
    stop.request_stop();
    CHECK(here.run(std::move(served)) == 7);
  }
  SECTION("send") {
    auto stopped = spawn(with_stop_token(numbers.send(1), stop.get_token()));
    auto other = spawn(numbers.send(2));
    here.run(yield());
    stop.request_stop();
    CHECK(here.run(numbers.receive()) == 2);
    CHECK(here.run(as_result(std::move(stopped))).error() == std::errc::operation_canceled);
    here.run(std::move(other));
  }
}

TEST_CASE("channel: what a destroyed receiver was given is the next one's", "[channel][ending]") {
  channel<int> numbers(1);
  {
    loop here;
    auto gone = std::make_unique<future<std::optional<int>>>(spawn(numbers.receive()));
    detach([&]() -> task<> { (void)co_await numbers.receive(); });
    here.turn(false);
    REQUIRE(numbers.try_send(1));
    REQUIRE(numbers.try_send(2));
    REQUIRE(numbers.try_send(3));
  }
  // The loop ended before they were told, or told them at its end: in either case nothing is received twice.
  std::vector<int> left;
  while (auto each = numbers.try_receive()) left.push_back(*each);
  CHECK(left.back() == 3);
  CHECK(left.size() <= 3);
}

TEST_CASE("channel: stopped at each suspension, with every kind of end", "[channel][stop]") {
  const std::size_t capacity = GENERATE(0, 1, 2);
  const auto suspensions = every_cancellation([capacity]() -> task<> {
    channel<std::unique_ptr<int>> numbers(capacity);
    const auto sends = [&](int from, int to) -> task<> {
      for (; from < to; ++from) co_await numbers.send(std::make_unique<int>(from));
    };
    int sum = 0;
    const auto receives = [&]() -> task<> {
      while (auto each = co_await numbers.receive()) {
        sum += **each;
        co_await yield();
      }
    };
    const auto sends_all = [&]() -> task<> {
      co_await when_all(sends(0, 3), sends(3, 6));
      numbers.close();
    };
    co_await when_all(sends_all(), receives(), receives());
    CHECK(sum == 15);
  });
  CHECK(suspensions > 6);
}

TEST_CASE("channel: a million elements between two tasks allocate nothing", "[channel][scale]") {
  const std::size_t capacity = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{64});
  loop here;
  const auto exchange = [&](channel<int>& numbers, int count) -> task<long> {
    const auto sends = [&]() -> task<> {
      for (int n = 0; n < count; ++n) co_await numbers.send(n);
      numbers.close();
    };
    long sum = 0;
    const auto receives = [&]() -> task<> {
      while (const auto each = co_await numbers.receive()) sum += *each;
    };
    co_await when_all(sends(), receives());
    co_return sum;
  };
  channel<int> first(capacity);
  here.run(exchange(first, 1000));
  channel<int> second(capacity);
  const allocation_count count;
  const long sum = here.run(exchange(second, 1'000'000));
  const std::size_t made = count.made();
  CHECK(sum == 499'999'500'000);
  CHECK(made <= 4);  // the second channel's ring, as it grows
}
