#include "braid/sync/barrier.hpp"

#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <utility>
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

TEST_CASE("barrier: the last to arrive leads the phase", "[sync][barrier]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  barrier meeting(3);
  loop here;
  for (int phase = 0; phase < 2; ++phase) {
    auto first = spawn(meeting.arrive_and_wait()), second = spawn(meeting.arrive_and_wait());
    CHECK(style.wait(meeting.arrive_and_wait()).value());
    CHECK(here.run(when_all(std::move(first), std::move(second))) == std::tuple(false, false));
  }
}

TEST_CASE("barrier: the longest waiting operation leads the phase that a drop ends", "[sync][barrier]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  barrier meeting(3);
  loop here;
  std::vector<bool> others;
  SECTION("it is the first") {
    here.post([&] {
      start(meeting.arrive_and_wait(), [&](result<bool> leads) { others.push_back(leads.value()); });
      meeting.arrive_and_drop();
    });
    CHECK(style.wait(meeting.arrive_and_wait()).value());
    here.run();
    CHECK(others == std::vector{false});
  }
  SECTION("the first is stopped, and does not arrive") {
    stop_source stop;
    start(with_stop_token(meeting.arrive_and_wait(), stop.get_token()),
          [&](result<bool> leads) { CHECK(leads.error() == std::errc::operation_canceled); });
    here.post([&] {
      stop.request_stop();
      start(meeting.arrive_and_wait(), [&](result<bool> leads) { others.push_back(leads.value()); });
      meeting.arrive_and_drop();
    });
    CHECK(style.wait(meeting.arrive_and_wait()).value());
    here.run();
    CHECK(others == std::vector{false});
  }
}

TEST_CASE("barrier: each phase has one leader, in every order of arriving, stopping and dropping",
          "[sync][barrier][property]") {
  std::mt19937 random(1);
  const auto up_to = [&](std::size_t most) { return random() % (most + 1); };
  int wrong = 0;
  for (int program = 0; program < 2'000; ++program) {
    loop here;
    std::size_t expected = 1 + up_to(4);
    barrier meeting(expected);
    struct operation {
      stop_source stop;
      std::string state = "waits";
    };
    std::vector<std::unique_ptr<operation>> operations;
    std::vector<std::string> states;  // by the model
    std::vector<std::size_t> waiting;
    const auto end_phase = [&](bool last_leads) {
      if (!last_leads && !waiting.empty()) states[waiting.front()] = "leads";
      for (const std::size_t each : waiting)
        if (states[each] == "waits") states[each] = "passes";
      waiting.clear();
    };
    for (std::size_t steps = up_to(30); steps > 0; --steps) {
      switch (up_to(7)) {
        case 0:
          if (expected == 1) break;
          meeting.arrive_and_drop();
          if (waiting.size() == --expected) end_phase(false);
          break;
        case 1:
          if (operations.empty()) break;
          {
            const std::size_t which = up_to(operations.size() - 1);
            operations[which]->stop.request_stop();
            if (std::erase(waiting, which) != 0) states[which] = "stopped";
          }
          break;
        case 2: here.run(yield()); break;
        default:
          operations.push_back(std::make_unique<operation>());
          states.emplace_back("waits");
          if (waiting.size() + 1 == expected) {
            states.back() = "leads";
            end_phase(true);
          } else {
            waiting.push_back(states.size() - 1);
          }
          start(with_stop_token(meeting.arrive_and_wait(), operations.back()->stop.get_token()),
                [&mine = *operations.back()](result<bool> ended) {
                  mine.state = !ended ? "stopped" : *ended ? "leads" : "passes";
                });
      }
    }
    here.run();
    for (std::size_t i = 0; i < states.size(); ++i) wrong += operations[i]->state != states[i];
    for (auto& each : operations) each->stop.request_stop();
    here.run();
  }
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
  const auto note = [&](result<bool> ended) { ended ? ++passed : ++stopped; };
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
