#include "braid/sync/select.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/interval.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/sync/barrier.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/mutex.hpp"
#include "braid/sync/semaphore.hpp"
#include "braid/sync/shared_mutex.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("select: performs the first operation that is possible, and no other", "[select]") {
  IN_EVERY_STYLE(style);
  channel<int> empty(1), full(1), other(1);
  mutex door;
  loop here;
  REQUIRE(full.try_send(1));
  REQUIRE(other.try_send(2));
  auto made = style.wait(select(empty.receive(), full.receive(), other.receive(), door.lock()));
  REQUIRE(made);
  CHECK(made->index == 1);
  CHECK(std::get<1>(made->value) == 1);
  CHECK(other.size() == 1);
  CHECK_FALSE(door.is_locked());
}

TEST_CASE("select: waits until one operation is possible; the others do not happen", "[select]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  channel<int> numbers(0);
  mutex door;
  event happened;
  loop here;
  auto held = door.try_lock();
  SECTION("a lock") {
    here.post([&] { held.reset(); });
    auto made = style.wait(select(numbers.receive(), door.lock(), happened.wait(), numbers.send(1)));
    REQUIRE(made);
    CHECK(made->index == 1);
    CHECK(door.is_locked());
  }
  SECTION("an element") {
    here.post([&] {
      REQUIRE(numbers.try_send(5));
      CHECK_FALSE(numbers.try_send(6));
      CHECK_FALSE(numbers.try_receive());
      held.reset();
      happened.set();
    });
    auto made = style.wait(select(numbers.receive(), door.lock(), happened.wait(), numbers.send(1)));
    REQUIRE(made);
    CHECK(made->index == 0);
    CHECK(std::get<0>(made->value) == 5);
    CHECK_FALSE(door.is_locked());
  }
  SECTION("a time") {
    auto made = style.wait(select(numbers.receive(), sleep_for(1ms), door.lock(), sleep_for(1h)));
    REQUIRE(made);
    CHECK(made->index == 1);
    held.reset();
    CHECK_FALSE(door.is_locked());
  }
}

TEST_CASE("select: after a stop request no operation has happened", "[select][stop]") {
  channel<int> numbers(0);
  mutex door;
  loop here;
  auto held = door.try_lock();
  auto stopped = spawn(select(numbers.receive(), door.lock(), sleep_for(1h)));
  here.run(yield());
  stopped.request_stop();
  held.reset();
  CHECK_FALSE(door.is_locked());
  CHECK_FALSE(numbers.try_send(1));
  CHECK(here.run(as_result(std::move(stopped))).error() == std::errc::operation_canceled);
  here.run();
}

TEST_CASE("select: the error of the chosen operation is the select's error", "[select]") {
  channel<int> closed(1), numbers(0);
  loop here;
  closed.close();
  CHECK(here.run(as_result(select(numbers.receive(), closed.send(1)))).error() == errc::channel_closed);
}

TEST_CASE("select: a choice that leaves a shared_mutex or a barrier blocks no other waiter", "[select]") {
  loop here;
  shared_mutex book;
  auto reading = book.try_lock_shared();
  event happened;
  auto chosen = spawn(select(book.lock(), happened.wait()));
  auto behind = spawn(book.lock_shared());
  here.run(yield());
  CHECK_FALSE(behind.is_ready());
  happened.set();
  CHECK(here.run(std::move(chosen)).index == 1);
  (void)here.run(std::move(behind));

  barrier meeting(2);
  event other;
  auto left = spawn(select(meeting.arrive_and_wait(), other.wait()));
  here.run(yield());
  other.set();
  CHECK(here.run(std::move(left)).index == 1);
  auto first = spawn(meeting.arrive_and_wait());
  here.run(yield());
  CHECK_FALSE(first.is_ready());
  here.run(when_all(std::move(first), meeting.arrive_and_wait()));
}

TEST_CASE("select: a withdrawn claim does not admit another claim of the same select", "[select]") {
  loop here;
  shared_mutex book;
  event happened;
  auto reader = book.try_lock_shared();
  auto ahead = spawn(book.lock());
  auto chosen = spawn(select(book.lock(), book.lock_shared(), happened.wait()));
  here.run(yield());
  SECTION("another operation is chosen") {
    ahead.request_stop();
    here.run(yield());
    happened.set();
    CHECK(here.run(std::move(chosen)).index == 2);
  }
  SECTION("the select is stopped") {
    ahead.request_stop();
    here.run(yield());
    chosen.request_stop();
    CHECK(here.run(as_result(std::move(chosen))).error() == std::errc::operation_canceled);
  }
  CHECK_FALSE(book.try_lock());
  reader.reset();
  CHECK(book.try_lock());
}

TEST_CASE("select: destroying a waiting select admits other waiters, and none of its own",
          "[select][ending]") {
  shared_mutex book;
  auto reader = book.try_lock_shared();
  {
    loop here;
    auto chosen = spawn(select(book.lock(), book.lock_shared()));
    auto behind = spawn(book.lock_shared());
    here.turn(false);
    reader.reset();  // the select gets the write lock, and is destroyed
  }
  CHECK_FALSE(book.is_locked());
}

TEST_CASE("select: a completed barrier phase counts no select that chose another operation", "[select]") {
  loop here;
  shared_mutex book;
  barrier meeting(3);
  auto reader = book.try_lock_shared();
  auto first = spawn(select(meeting.arrive_and_wait(), book.lock()));
  auto second = spawn(select(meeting.arrive_and_wait(), book.lock_shared()));  // waits behind the writer
  here.run(yield());
  here.run(meeting.arrive_and_wait());
  CHECK(here.run(std::move(first)).index == 0);
  CHECK(here.run(std::move(second)).index == 0);
  reader.reset();
  CHECK_FALSE(book.is_locked());
}

TEST_CASE("select: arrives once at a barrier that it names twice", "[select]") {
  loop here;
  barrier meeting(2);
  auto twice = spawn(select(meeting.arrive_and_wait(), meeting.arrive_and_wait()));
  here.run(yield());
  CHECK_FALSE(twice.is_ready());
  here.run(meeting.arrive_and_wait());
  CHECK(here.run(std::move(twice)).index == 0);
}

TEST_CASE("select: a receive and a send of one select do not meet", "[select]") {
  const std::size_t capacity = GENERATE(0, 1);
  loop here;
  channel<int> numbers(capacity);
  auto reserved = capacity == 0 ? std::nullopt : numbers.try_reserve();
  auto both = spawn(select(numbers.send(1), numbers.receive(), numbers.reserve()));
  here.run(yield());
  CHECK_FALSE(both.is_ready());
  SECTION("a receiver comes") { CHECK(here.run(numbers.receive()) == 1); }
  SECTION("a sender comes") {
    here.run(numbers.send(2));
    CHECK(std::get<1>(here.run(std::move(both)).value) == 2);
  }
}

TEST_CASE("select: a chain of a hundred thousand selects takes constant stack", "[select][scale]") {
  loop here;
  std::vector<std::unique_ptr<shared_mutex>> books;
  std::vector<shared_mutex::shared_lock> readers;
  std::vector<future<value_of<decltype(select(std::declval<shared_mutex&>().lock_shared(),
                                              std::declval<shared_mutex&>().lock()))>>>
      chain;
  event happened;
  constexpr std::size_t length = 100'000;
  for (std::size_t i = 0; i <= length; ++i) {
    books.push_back(std::make_unique<shared_mutex>());
    readers.push_back(*books.back()->try_lock_shared());
  }
  // Each waits behind the writer of one book, and is itself the writer before the next one's reader.
  auto first = spawn(select(books[0]->lock(), happened.wait()));
  for (std::size_t i = 0; i < length; ++i)
    chain.push_back(spawn(select(books[i]->lock_shared(), books[i + 1]->lock())));
  here.run(yield());
  happened.set();
  std::size_t read = 0;
  for (auto& each : chain) read += here.run(std::move(each)).index == 0 ? 1 : 0;
  CHECK(read == length);
  (void)here.run(std::move(first));
}

TEST_CASE("select: messages do not starve the beats of an interval", "[select][interval]") {
  sim::virtual_time time;
  loop here;
  channel<int> messages(channel<int>::unbounded);
  here.run([&]() -> task<> {
    const auto begun = loop_clock::now();
    interval ticks(100ms);
    std::vector<std::chrono::milliseconds> beats;
    while (beats.size() < 3) {
      (void)messages.try_send(1);
      if ((co_await select(ticks.next(), messages.receive())).index == 0)
        beats.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(loop_clock::now() - begun));
      else
        co_await sleep_for(30ms);
    }
    CHECK(beats == std::vector{120ms, 210ms, 300ms});
  });
}

TEST_CASE("select: can be stopped at each suspension; no element is lost or received twice",
          "[select][stop]") {
  const auto suspensions = every_cancellation([]() -> task<> {
    channel<std::unique_ptr<int>> odd(0), even(1);
    semaphore tickets(1);
    int sum = 0;
    const auto sends = [](channel<std::unique_ptr<int>>& to, int first) -> task<> {
      for (int n = first; n < 6; n += 2) co_await to.send(std::make_unique<int>(n));
    };
    const auto receives = [&]() -> task<> {
      for (int n = 0; n < 3; ++n) {
        auto made = co_await select(odd.receive(), sleep_for(1h), even.receive());
        sum += made.index == 0 ? **std::get<0>(made.value) : **std::get<2>(made.value);
        const auto ticket = co_await select(tickets.acquire(), sleep_for(1h));
        co_await yield();
      }
    };
    co_await when_all(sends(odd, 1), sends(even, 0), receives(), receives());
    CHECK(sum == 15);
  });
  CHECK(suspensions > 6);
}

TEST_CASE("select: a hundred thousand choices allocate nothing", "[select][scale]") {
  channel<int> left(0), right(0);
  loop here;
  const auto sends = [](channel<int>& to, int count) -> task<> {
    for (int n = 0; n < count; ++n) co_await to.send(n);
  };
  const auto receives = [&](int count) -> task<> {
    for (int n = 0; n < count; ++n) (void)co_await select(left.receive(), right.receive(), sleep_for(1h));
  };
  here.run(when_all(sends(left, 100), sends(right, 100), receives(200)));
  const allocation_count count;
  here.run(when_all(sends(left, 50'000), sends(right, 50'000), receives(100'000)));
  const std::size_t made = count.made();
  CHECK(made == 0);
}
