// select over ranges, and in fair order.

#include <array>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/explore.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/sync/barrier.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/mutex.hpp"
#include "braid/sync/select.hpp"
#include "braid/sync/shared_mutex.hpp"
#include "braid/sync/when.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "sanitized.hpp"
#include "scripted_choices.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

auto receives(std::vector<std::unique_ptr<channel<int>>>& all) {
  return all | std::views::transform([](auto& each) { return each->receive(); });
}
std::vector<std::unique_ptr<channel<int>>> channels(std::size_t count) {
  std::vector<std::unique_ptr<channel<int>>> all;
  while (all.size() != count) all.push_back(std::make_unique<channel<int>>(1));
  return all;
}

}  // namespace

TEST_CASE("select: over a range, the index tells which element it chose", "[select][range]") {
  IN_EVERY_STYLE(style);
  auto all = channels(5);
  loop here;
  REQUIRE(all[3]->try_send(7));
  REQUIRE(all[4]->try_send(8));
  SECTION("a view") {
    const auto made = style.wait(select(receives(all)));
    REQUIRE(made);
    CHECK(made->index == 3);
    CHECK(made->value == 7);
    CHECK(all[4]->size() == 1);
  }
  SECTION("a vector, a list and an array") {
    std::vector<decltype(all[0]->receive())> vector;
    std::list<decltype(all[0]->receive())> list;
    for (auto& each : all) vector.push_back(each->receive()), list.push_back(each->receive());
    CHECK(style.wait(select(std::move(vector)))->index == 3);
    CHECK(style.wait(select(list))->index == 4);
    CHECK(style.wait(select(std::array{all[0]->send(1), all[1]->send(1)}))->index == 0);
  }
  SECTION("elements that may be disabled") {
    std::vector<decltype(when(true, all[0]->receive()))> some;
    for (std::size_t i = 0; i < 5; ++i) some.push_back(when(i != 3, all[i]->receive()));
    CHECK(style.wait(select(std::move(some)))->index == 4);
  }
}

TEST_CASE("select: a range is one of several arguments", "[select][range]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  auto all = channels(3);
  event closing;
  std::vector<decltype(closing.wait())> none;
  loop here;
  here.post([&] { (void)all[2]->try_send(9); });
  const auto made = style.wait(select(closing.wait(), none, receives(all), sleep_for(1h)));
  REQUIRE(made);
  CHECK(made->index == 2);
  CHECK(std::get<2>(made->value).index == 2);
  CHECK(std::get<2>(made->value).value == 9);
  closing.set();
  CHECK(style.wait(select(none, receives(all), closing.wait()))->index == 2);
}

TEST_CASE("select: a range of locks waits in each queue, and leaves them all", "[select][range][stop]") {
  loop here;
  std::array<mutex, 3> doors;
  std::vector<mutex::scoped_lock> held;
  for (mutex& each : doors) held.push_back(*each.try_lock());
  const auto lock = [](mutex& door) { return door.lock(); };
  auto waits = spawn(select(doors | std::views::transform(lock)));
  auto stopped = spawn(select(doors | std::views::transform(lock)));
  here.run(yield());
  stopped.request_stop();
  held.pop_back();
  auto got = here.run(std::move(waits));
  CHECK(got.index == 2);
  CHECK(here.run(as_result(std::move(stopped))).error() == std::errc::operation_canceled);
  held.clear();
  CHECK_FALSE(doors[0].is_locked());
  CHECK_FALSE(doors[1].is_locked());
  CHECK(doors[2].is_locked());
}

TEST_CASE("select: arrives once at a barrier that a range names several times", "[select][range]") {
  loop here;
  barrier meeting(2);
  const auto arrive = [&](int) { return meeting.arrive_and_wait(); };
  auto many =
      spawn(select(std::views::iota(0, 4) | std::views::transform(arrive), meeting.arrive_and_wait()));
  auto after =
      spawn(select(meeting.arrive_and_wait(), std::views::iota(0, 2) | std::views::transform(arrive)));
  CHECK(here.run(std::move(many)).index == 0);
  CHECK(here.run(std::move(after)).index == 0);
}

TEST_CASE("select: a withdrawn claim of a range does not admit another one of it", "[select][range]") {
  loop here;
  shared_mutex book;
  event happened;
  auto reader = book.try_lock_shared();
  auto ahead = spawn(book.lock());
  std::vector<decltype(book.lock_shared())> reads;
  for (int n = 0; n < 3; ++n) reads.push_back(book.lock_shared());
  auto chosen = spawn(select(book.lock(), std::move(reads), happened.wait()));
  here.run(yield());
  ahead.request_stop();
  here.run(yield());
  happened.set();
  CHECK(here.run(std::move(chosen)).index == 2);
  reader.reset();
  CHECK(book.try_lock());
}

TEST_CASE("select: the values of a map, and a range of one", "[select][range]") {
  loop here;
  std::map<std::string, future<int>> pages;
  pages.emplace("one", make_ready_future(1));
  CHECK(here.run(select(pages | std::views::values)).value == 1);
  event set;
  set.set();
  CHECK(here.run(select(std::array{set.wait()})).index == 0);
}

TEST_CASE("select: can be stopped at each suspension of a range; no element is lost",
          "[select][range][stop]") {
  const auto suspensions = every_cancellation([]() -> task<> {
    channel<std::unique_ptr<int>> odd(0), even(1);
    int sum = 0;
    const auto sends = [](channel<std::unique_ptr<int>>& to, int first) -> task<> {
      for (int n = first; n < 6; n += 2) co_await to.send(std::make_unique<int>(n));
    };
    const auto receive = [&]() -> task<> {
      const std::array from{&odd, &even};
      const auto receive_from = [](channel<std::unique_ptr<int>>* each) { return each->receive(); };
      for (int n = 0; n < 3; ++n) {
        auto ops = from | std::views::transform(receive_from);
        auto made = co_await select(select_order::fair, sleep_for(1h), ops);
        sum += **std::get<1>(made.value).value;
        co_await yield();
      }
    };
    co_await when_all(sends(odd, 1), sends(even, 0), receive(), receive());
    CHECK(sum == 15);
  });
  CHECK(suspensions > 6);
}

TEST_CASE("select: a range takes one block of memory, which is used again", "[select][range][allocation]") {
  loop here;
  auto all = channels(20);
  const auto choose = [&](int times) -> task<> {
    for (int n = 0; n < times; ++n) {
      (void)all[static_cast<std::size_t>(n) % all.size()]->try_send(n);
      (void)co_await select(receives(all), sleep_for(1h));
      auto waits = when_all(select(select_order::fair, receives(all)), all[3]->send(n));
      (void)co_await std::move(waits);
    }
  };
  here.run(choose(40));
  const allocation_count count;
  here.run(choose(sanitized ? 100 : 5'000));
  const std::size_t made = count.made();
  CHECK(made <= (sanitized ? 210 : 0));  // a sanitized pool gives each block back
}

TEST_CASE("select: fair order begins with any operation, and goes round", "[select][fair]") {
  loop here({}, std::make_unique<scripted_choices>());
  auto all = channels(3);
  channel<int> one(1), last(1);
  for (std::size_t start = 0; start < 5; ++start)
    for (unsigned possible = 0; possible < 32; ++possible) {
      const auto is_possible = [&](std::size_t i) { return (possible >> i & 1) != 0; };
      if (is_possible(0)) REQUIRE(one.try_send(0));
      for (std::size_t i = 0; i < 3; ++i)
        if (is_possible(i + 1)) REQUIRE(all[i]->try_send(1));
      if (is_possible(4)) REQUIRE(last.try_send(4));
      std::optional<std::size_t> expected, got;
      for (std::size_t i = 5; i-- > 0;)
        if (is_possible((start + i) % 5)) expected = (start + i) % 5;
      scripted_choices::next = start;
      auto made = spawn(select(select_order::fair, one.receive(), receives(all), last.receive()));
      here.run(yield());
      if (made.is_ready()) {
        const auto chosen = here.run(std::move(made));
        got = chosen.index == 0 ? 0 : chosen.index == 2 ? 4 : 1 + std::get<1>(chosen.value).index;
      } else {
        made.request_stop();
      }
      CHECK(got == expected);
      (void)one.try_receive(), (void)last.try_receive();
      for (auto& each : all) (void)each->try_receive();
    }
}

TEST_CASE("select: in fair order every possible operation is chosen again and again", "[select][fair]") {
  loop here;
  auto all = channels(4);
  std::array<int, 4> times{};
  const auto choose = [&]() -> task<> {
    for (int n = 0; n < 4'000; ++n) {
      for (const std::size_t each : {0, 1, 3}) (void)all[each]->try_send(n);
      ++times[(co_await select(select_order::fair, receives(all))).index];
    }
  };
  here.run(choose);
  CHECK(times[2] == 0);
  for (const std::size_t each : {0, 1, 3}) CHECK(times[each] > 800);  // a quarter at least, but for chance
}

TEST_CASE("select: the choice of fair order is the world's, which repeats it and exhausts it",
          "[select][fair][sim]") {
  const auto choose = [](sim::world& here, std::array<int, 3>& times) {
    sim::host& one = here.add_host("one");
    const auto program = [&]() -> task<> {
      channel<int> a(1), b(1), c(1);
      (void)a.try_send(1), (void)c.try_send(1);
      ++times[(co_await select(select_order::fair, a.receive(), b.receive(), c.receive())).index];
    };
    here.run_on(one, program);
  };
  std::array<int, 3> drawn{}, again{};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim::world first(seed), second(seed);
    choose(first, drawn);
    choose(second, again);
    CHECK(drawn == again);
  }
  CHECK(drawn[0] > 0);
  CHECK(drawn[1] == 0);
  CHECK(drawn[2] > 0);
}
