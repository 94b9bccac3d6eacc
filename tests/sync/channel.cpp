#include "braid/sync/channel.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/sync/select.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("channel: elements are received in the order in which they were sent", "[channel]") {
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

TEST_CASE("channel: waiting sends and receives complete in the order in which they began", "[channel]") {
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

TEST_CASE("channel: closing ends waiting receives; waiting sends are still received", "[channel]") {
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

TEST_CASE("channel: a stopped send or receive has not happened", "[channel][stop]") {
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
  SECTION("receive, which has its element already") {
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

TEST_CASE("channel: a receive that has its element when its time is up completes with it",
          "[channel][stop]") {
  sim::virtual_time time;
  channel<int> numbers(0);
  loop here;
  SECTION("handed over just before the time-out stops it") {
    start(sleep_for(10ms), [&](result<void>) { CHECK(numbers.try_send(7)); });
    CHECK(here.run(with_timeout(numbers.receive(), 10ms)) == 7);
  }
  SECTION("not handed over") {
    auto late = spawn(with_timeout(numbers.receive(), 10ms));
    start(sleep_for(10ms), [&](result<void>) { CHECK_FALSE(numbers.try_send(7)); });
    CHECK(here.run(as_result(std::move(late))).error() == std::errc::timed_out);
    here.run();
  }
}

TEST_CASE("channel: send_from takes its element only if it sends it", "[channel]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  const std::size_t capacity = GENERATE(0, 1);
  channel<std::unique_ptr<int>> numbers(capacity);
  loop here;
  auto element = std::make_unique<int>(7);
  SECTION("sent") {
    auto receiver = spawn(numbers.receive());
    here.run(yield());
    REQUIRE(style.wait(numbers.send_from(element)));
    CHECK(element == nullptr);
    CHECK(**here.run(std::move(receiver)) == 7);
    return;
  }
  while (numbers.try_send(std::make_unique<int>(0))) {}
  SECTION("timed out") {
    CHECK(style.wait(with_timeout(numbers.send_from(element), 1ms)).error() == std::errc::timed_out);
  }
  SECTION("not chosen by a select") {
    CHECK(style.wait(select(numbers.send_from(element), sleep_for(1ms))).value().index == 1);
  }
  SECTION("closed") {
    numbers.close();
    CHECK(style.wait(numbers.send_from(element)).error() == errc::channel_closed);
  }
  SECTION("closed while it waits") {
    here.post([&] { numbers.close_now(); });
    const auto ended = style.wait(numbers.send_from(element));
    CHECK(ended.error() == errc::channel_closed);
    CHECK_THAT(ended.error().message(), contains("channel::send_from"));
  }
  REQUIRE(element != nullptr);
  CHECK(*element == 7);
}

TEST_CASE("channel: close_now fails waiting sends and keeps the sent elements", "[channel]") {
  const std::size_t capacity = GENERATE(0, 1, 2);
  channel<int> numbers(capacity);
  loop here;
  std::vector<future<void>> sends;
  for (int n = 0; n < 4; ++n) sends.push_back(spawn(numbers.send(n)));
  auto reserve = spawn(numbers.reserve());
  here.run(yield());
  numbers.close_now();
  numbers.close_now();
  for (std::size_t n = 0; n < sends.size(); ++n) {
    const auto ended = here.run(as_result(std::move(sends[n])));
    CHECK(ended.has_value() == (n < capacity));
    if (!ended) CHECK(ended.error() == errc::channel_closed);
  }
  CHECK(here.run(as_result(std::move(reserve))).error() == errc::channel_closed);
  for (std::size_t n = 0; n < capacity; ++n) CHECK(here.run(numbers.receive()) == static_cast<int>(n));
  CHECK(here.run(numbers.receive()) == std::nullopt);
}

TEST_CASE("channel: a permit reserves room for one element", "[channel][reserve]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  channel<std::unique_ptr<int>> numbers(2);
  loop here;
  auto first = style.wait(numbers.reserve());
  REQUIRE(first);
  CHECK(numbers.try_send(std::make_unique<int>(1)));
  CHECK_FALSE(numbers.try_send(std::make_unique<int>(2)));
  CHECK_FALSE(numbers.try_reserve());
  SECTION("it sends") {
    first->send(std::make_unique<int>(3));
    CHECK_FALSE(*first);
    CHECK_THROWS_AS(first->send(nullptr), std::logic_error);
    CHECK(**numbers.try_receive() == 1);
    CHECK(**numbers.try_receive() == 3);
  }
  SECTION("it is given back") {
    auto waits = spawn(numbers.send(std::make_unique<int>(4)));
    here.run(yield());
    CHECK_FALSE(waits.is_ready());
    { const auto gone = std::move(*first); }
    here.run(std::move(waits));
    CHECK(numbers.size() == 2);
  }
  SECTION("it is waited for in order") {
    auto waits = spawn(numbers.reserve());
    auto behind = spawn(numbers.send(std::make_unique<int>(5)));
    here.run(yield());
    CHECK(**numbers.try_receive() == 1);
    auto second = here.run(std::move(waits));
    here.run(yield());
    CHECK_FALSE(behind.is_ready());
    { const auto gone = std::move(second); }
    here.run(std::move(behind));
    CHECK(**numbers.try_receive() == 5);
  }
}

TEST_CASE("channel: a permit is valid after close, and the channel's end waits for it",
          "[channel][reserve]") {
  const std::size_t capacity = GENERATE(0, 1);
  channel<int> numbers(capacity);
  loop here;
  auto receiver = spawn(numbers.receive());
  auto another = spawn(numbers.receive());
  here.run(yield());
  auto permit = numbers.try_reserve();
  REQUIRE(permit);
  numbers.close();
  CHECK_FALSE(numbers.try_reserve());
  CHECK(here.run(as_result(numbers.reserve())).error() == errc::channel_closed);
  here.run(yield());
  CHECK_FALSE(receiver.is_ready());
  SECTION("it sends") {
    permit->send(7);
    CHECK(here.run(std::move(receiver)) == 7);
  }
  SECTION("it is given back") {
    permit.reset();
    CHECK(here.run(std::move(receiver)) == std::nullopt);
  }
  CHECK(here.run(std::move(another)) == std::nullopt);
}

TEST_CASE("channel: on a rendezvous channel a permit belongs to a waiting receive", "[channel][reserve]") {
  channel<int> numbers(0);
  loop here;
  auto reserve = spawn(numbers.reserve());
  here.run(yield());
  CHECK_FALSE(reserve.is_ready());
  auto receiver = spawn(numbers.receive());
  auto permit = here.run(std::move(reserve));
  CHECK_FALSE(numbers.try_send(1));  // a permit is promised to the receiver
  SECTION("it gets the element") {
    permit.send(2);
    CHECK(here.run(std::move(receiver)) == 2);
  }
  SECTION("it waits for other sends once the permit is given back") {
    auto waits = spawn(numbers.send(3));
    { const auto gone = std::move(permit); }
    CHECK(here.run(std::move(receiver)) == 3);
    here.run(std::move(waits));
  }
  SECTION("the next receive gets the element if it gives up") {
    receiver.request_stop();
    here.run(yield());
    permit.send(4);
    CHECK(numbers.size() == 1);
    CHECK(here.run(numbers.receive()) == 4);
  }
}

TEST_CASE("channel: reserve in a select can be stopped at each suspension and loses no room",
          "[channel][reserve][stop]") {
  const std::size_t capacity = GENERATE(0, 1);
  every_cancellation([capacity]() -> task<> {
    channel<int> numbers(capacity), others(0);
    int sum = 0;
    const auto sends = [&](int from, int to) -> task<> {
      for (; from < to; ++from) {
        auto made = co_await select(others.receive(), numbers.reserve());
        std::get<1>(made.value).send(from);
        co_await yield();
      }
    };
    const auto receives = [&](int times) -> task<> {
      for (; times > 0; --times) sum += (co_await numbers.receive()).value();
    };
    co_await when_all(sends(0, 3), receives(2), sends(3, 6), receives(4));
    CHECK(sum == 15);
    CHECK(numbers.empty());
  });
}

TEST_CASE("channel: an element handed to a destroyed receive goes to the next one", "[channel][ending]") {
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
  // The loop ended before the receivers got their elements, or handed them over at its end. In neither case
  // is an element received twice.
  std::vector<int> left;
  while (auto each = numbers.try_receive()) left.push_back(*each);
  CHECK(left.back() == 3);
  CHECK(left.size() <= 3);
}

TEST_CASE("channel: can be stopped at each suspension, with every kind of end", "[channel][stop]") {
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
  CHECK(made <= 4);  // by the second channel's ring, which grows
}
