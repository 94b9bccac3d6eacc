#include "braid/sync/try_select.hpp"

#include <chrono>
#include <ranges>
#include <stdexcept>
#include <vector>

#include "braid/schedule/interval.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/sync/barrier.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/mutex.hpp"
#include "braid/sync/when.hpp"
#include "catch.hpp"

using namespace braid;
using namespace std::chrono_literals;

TEST_CASE("try_select: does the first operation that is possible, and no other", "[select][try_select]") {
  channel<int> empty(1), full(1);
  mutex door;
  REQUIRE(full.try_send(1));
  auto made = try_select(empty.receive(), full.receive(), door.lock());
  REQUIRE(made);
  CHECK(made->index == 1);
  CHECK(std::get<1>(made->value) == 1);
  CHECK_FALSE(door.is_locked());
}

TEST_CASE("try_select: leaves nothing behind if no operation is possible", "[select][try_select]") {
  loop here;
  channel<int> empty(0);
  barrier meeting(2);
  promise<int> asked;
  auto page = asked.get_future();
  CHECK_FALSE(try_select(empty.receive(), empty.send(1), meeting.arrive_and_wait(), page, sleep_for(1h)));
  CHECK_FALSE(empty.try_send(1));
  CHECK_FALSE(empty.try_receive());
  auto arrives = spawn(meeting.arrive_and_wait());
  here.run(yield());
  CHECK_FALSE(arrives.is_ready());
  CHECK(try_select(meeting.arrive_and_wait()));
  asked.set_value(3);
  CHECK(try_select(page)->index == 0);
  CHECK_FALSE(page.valid());
  here.run(std::move(arrives));
}

TEST_CASE("try_select: without an enabled operation it does nothing", "[select][try_select]") {
  channel<int> full(1);
  REQUIRE(full.try_send(1));
  CHECK_FALSE(try_select(when(false, full.receive())));
  CHECK_FALSE(try_select(std::vector<decltype(full.receive())>()));
  CHECK(full.size() == 1);
}

TEST_CASE("try_select: throws the error of the chosen operation", "[select][try_select]") {
  loop here;
  channel<int> closed(1), empty(1);
  closed.close();
  CHECK_THROWS_AS(try_select(empty.receive(), closed.send(1)), std::system_error);
  promise<int> asked;
  auto page = asked.get_future();
  asked.set_error(std::errc::io_error);
  CHECK_THROWS_AS(try_select(empty.receive(), page), std::system_error);
  CHECK_FALSE(page.valid());
}

TEST_CASE("try_select: receives a beat that is due, and no other", "[select][try_select]") {
  sim::virtual_time time;
  loop here;
  interval ticks(10ms);
  CHECK_FALSE(try_select(ticks.next()));
  here.run(sleep_for(10ms));
  CHECK(try_select(ticks.next()));
  CHECK_FALSE(try_select(ticks.next()));
  CHECK(try_select(sleep_until(loop_clock::now())));
}

TEST_CASE("try_select: over a range it gives the index of the element", "[select][try_select]") {
  std::vector<channel<int>*> all;
  channel<int> one(1), two(1);
  all = {&one, &two};
  const auto receive = [](channel<int>* from) { return from->receive(); };
  CHECK_FALSE(try_select(all | std::views::transform(receive)));
  REQUIRE(two.try_send(2));
  const auto made = try_select(all | std::views::transform(receive));
  REQUIRE(made);
  CHECK(made->index == 1);
  CHECK(made->value == 2);
}

TEST_CASE("try_select: fair order needs a loop, and futures do", "[select][try_select]") {
  channel<int> one(1), two(1);
  CHECK_THROWS_AS(try_select(select_order::fair, one.receive(), two.receive()), std::logic_error);
  auto page = make_ready_future(1);
  CHECK_THROWS_AS(try_select(page), std::logic_error);
  CHECK(page.valid());
}
