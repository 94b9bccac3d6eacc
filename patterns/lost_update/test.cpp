#include "versions.hpp"

#include <algorithm>
#include <string>

#include "catch.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/as_result.hpp"
#include "every_cancellation.hpp"

using namespace lost_update;
using events = std::vector<std::string>;

namespace {

task<> soon() { co_await yield(); }

struct open_account {
  stage::line_service service{approval(soon)};
  const bank at{service.address()};
  stage::story told;
  loop here;
  account from{told};
};

}  // namespace

TEST_CASE("lost_update: the naive version always loses an update, in every style that shares its thread",
          "[lost_update]") {
  const stage::style how = GENERATE(stage::style::callback, stage::style::future, stage::style::coroutine,
                                    stage::style::fiber);
  CAPTURE(name_of(how));
  open_account mine;
  (void)withdraw_at_once(how, way::naive, mine.from, mine.at, {30, 50});

  events told = mine.told.events();
  REQUIRE(told.size() == 4);
  std::sort(told.begin() + 2, told.end());  // whichever was approved first
  CHECK(told == events{"read 100", "read 100", "write 50", "write 70"});
  CHECK((mine.from.cents() == 50 || mine.from.cents() == 70));
}

TEST_CASE("lost_update: the same text loses nothing when it blocks", "[lost_update]") {
  open_account mine;
  (void)withdraw_at_once(stage::style::blocking, way::naive, mine.from, mine.at, {30, 50});
  CHECK(mine.told.events() == events{"read 100", "write 70", "read 70", "write 20"});
}

TEST_CASE("lost_update: no other way loses an update, in any style", "[lost_update]") {
  const stage::style how = GENERATE(stage::style::callback, stage::style::future, stage::style::coroutine,
                                    stage::style::fiber);
  const way by = GENERATE(way::no_wait_between, way::in_turn, way::by_owner);
  CAPTURE(name_of(how), name_of(by));
  open_account mine;
  const auto left = withdraw_at_once(how, by, mine.from, mine.at, {30, 50, 7, 1});

  CHECK(mine.from.cents() == 12);
  CHECK(std::ranges::count(left, 12, [](const result<int>& each) { return each.value(); }) == 1);
  if (by == way::in_turn || by == way::by_owner)  // first come, first served
    CHECK(mine.told.events() == events{"read 100", "write 70", "read 70", "write 20", "read 20", "write 13",
                                       "read 13", "write 12"});
}

TEST_CASE("lost_update: a refused withdrawal takes nothing and blocks no other", "[lost_update]") {
  const stage::style how = GENERATE(stage::style::callback, stage::style::future, stage::style::coroutine,
                                    stage::style::fiber);
  const way by = GENERATE(way::no_wait_between, way::in_turn, way::by_owner);
  CAPTURE(name_of(how), name_of(by));
  open_account mine;
  const auto left = withdraw_at_once(how, by, mine.from, mine.at, {30, 61, 50});

  CHECK(mine.from.cents() == 20);
  CHECK(left[1].error().message() == "the bank refuses 61");
  CHECK_FALSE(mine.from.turn.is_locked());
}

TEST_CASE("lost_update: a coroutine and a fiber can be stopped at every await, and take all or nothing",
          "[lost_update]") {
  const stage::style how = GENERATE(stage::style::coroutine, stage::style::fiber);
  const way by = GENERATE(way::no_wait_between, way::in_turn, way::by_owner);
  CAPTURE(name_of(how), name_of(by));
  const std::size_t suspensions = braid_tests::every_cancellation_with_memory([how, by]() -> task<> {
    const stage::answer_fn answer = approval(soon);
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    const bank at(door.local_endpoint());
    stage::story told;
    account from(told);
    auto withdrawing = [&]() -> task<> {
      co_await when_all(withdraw(how, by, from, at, 30), withdraw(how, by, from, at, 50));
    };
    auto both = [&]() -> task<> {
      const auto ended = co_await as_result(defer(withdrawing));
      const int left = from.cents();
      if (left != 100 && left != 70 && left != 50 && left != 20) throw std::logic_error("money was lost");
      if (ended && left != 20) throw std::logic_error("a withdrawal was lost");
      (void)ended.value();
    };
    co_await when_any(stage::serve(std::move(door), answer), own(how, from, at), both);
  });
  CHECK(suspensions > 5);
}
