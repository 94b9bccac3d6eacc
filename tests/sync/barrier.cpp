#include "braid/sync/barrier.hpp"

#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("barrier: a barrier of one never waits", "[sync][barrier]") {
  IN_EVERY_STYLE(style);
  barrier alone(1);
  loop here;
  CHECK(style.wait(alone.arrive_and_wait()));
  CHECK(style.wait(alone.arrive_and_wait()));
}

TEST_CASE("barrier: no participant is a phase ahead", "[sync][barrier]") {
  constexpr int walkers = 3, phases = 5;
  barrier meeting(walkers);
  std::vector<int> at(walkers);
  int wrong = 0;
  const auto walks = [&](std::size_t which) -> task<> {
    for (int phase = 1; phase <= phases; ++phase) {
      for (std::size_t n = 0; n < which; ++n) co_await yield();
      at[which] = phase;
      co_await meeting.arrive_and_wait();
      for (const int other : at) wrong += other < phase || other > phase + 1;
    }
  };
  run(when_all(walks(0), walks(1), walks(2)));
  CHECK(wrong == 0);
}

TEST_CASE("barrier: a participant that drops out is not expected any more", "[sync][barrier]") {
  barrier meeting(3);
  loop here;
  auto first = spawn(meeting.arrive_and_wait()), second = spawn(meeting.arrive_and_wait());
  here.run(yield());
  CHECK_FALSE(first.is_ready());
  meeting.arrive_and_drop();
  here.run(when_all(std::move(first), std::move(second)));
  here.run(when_all(meeting.arrive_and_wait(), meeting.arrive_and_wait()));
}

TEST_CASE("barrier: a stopped waiter has not arrived", "[sync][barrier][stop]") {
  barrier meeting(2);
  loop here;
  auto stopped = spawn(meeting.arrive_and_wait());
  here.run(yield());
  stopped.request_stop();
  CHECK(here.run(as_result(std::move(stopped))).error() == std::errc::operation_canceled);
  auto first = spawn(meeting.arrive_and_wait());
  here.run(yield());
  CHECK_FALSE(first.is_ready());
  here.run(when_all(std::move(first), meeting.arrive_and_wait()));
}

TEST_CASE("barrier: can be stopped at each suspension", "[sync][barrier][stop]") {
  every_cancellation([]() -> task<> {
    barrier meeting(3);
    const auto walks = [&]() -> task<> {
      for (int phase = 0; phase < 3; ++phase) {
        co_await yield();
        co_await meeting.arrive_and_wait();
      }
    };
    co_await when_all(walks(), walks(), walks());
  });
}

TEST_CASE("barrier: a waiter that is stopped while others arrive or drop out has left",
          "[sync][barrier][stop]") {
  loop here;
  stop_source stop;
  int passed = 0, stopped = 0;
  const auto note = [&](result<void> ended) { ended ? ++passed : ++stopped; };
  SECTION("the last arrives") {
    barrier meeting(2);
    start(with_stop_token(meeting.arrive_and_wait(), stop.get_token()), note);
    here.run(yield());
    stop.request_stop();
    start(meeting.arrive_and_wait(), note);
    here.run(yield());
    CHECK((passed == 0 && stopped == 1));
    here.run(meeting.arrive_and_wait());
    here.run();
    CHECK(passed == 1);
  }
  SECTION("one drops out") {
    barrier meeting(3);
    start(with_stop_token(meeting.arrive_and_wait(), stop.get_token()), note);
    start(meeting.arrive_and_wait(), note);
    here.run(yield());
    stop.request_stop();
    meeting.arrive_and_drop();
    here.run(yield());
    CHECK((passed == 0 && stopped == 1));
    here.run(meeting.arrive_and_wait());
    here.run();
    CHECK(passed == 1);
  }
}
