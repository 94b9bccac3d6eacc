#include "versions.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"
#include "every_cancellation.hpp"
#include "stage/cues.hpp"

using namespace race_and_timeout;
using namespace std::chrono_literals;
using events = std::vector<std::string>;
using braid_tests::contains;

namespace {

// Three mirrors that answer or fail on cue.
struct mirrors_on_cue {
  void answer(const std::string& mirror) { given.give(mirror); }
  void fail(const std::string& mirror) {
    failing.give(mirror);  // the service sees it before the next cue, whose mutex is taken later
    given.give(mirror);
  }
  // The events after the three questions; events without a fixed order are sorted.
  [[nodiscard]] events after_questions() const {
    events told_events = told.events();
    REQUIRE(events(told_events.begin(), told_events.begin() + 3) ==
            events{"ask north", "ask east", "ask south"});
    told_events.erase(told_events.begin(), told_events.begin() + 3);
    std::ranges::sort(told_events);
    return told_events;
  }

  stage::cues given, failing;
  stage::line_service north{answers("north")}, east{answers("east")}, south{answers("south")};
  stage::story told;
  const mirrors from{{north.address(), east.address(), south.address()}, told};
  braid::loop loop;

 private:
  stage::answer_fn answers(const std::string& mirror) {
    return [this, mirror](std::string) -> task<std::string> {
      co_await given.wait_for(mirror);
      if (failing.is_given(mirror)) throw stage::refused(mirror + " has no such page");
      co_return "the page";
    };
  }
};

}  // namespace

TEST_CASE("race_and_timeout: in every style the first to answer wins, the others are stopped and have ended",
          "[race_and_timeout]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  mirrors_on_cue at;
  at.answer("east");

  CHECK(get_page(how, losers::are_stopped, at.from, 1h).mirror == "east");
  CHECK(at.after_questions() == events{"east", "north stopped", "south stopped"});
  CHECK(at.from.under_way() == 0);
  at.loop.run();
  CHECK_FALSE(at.loop.has_work());
}

TEST_CASE("race_and_timeout: a loser's late answer goes to a closed connection", "[race_and_timeout]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  mirrors_on_cue at;
  at.answer("east");

  (void)get_page(how, losers::are_stopped, at.from, 1h);
  at.answer("north");
  at.answer("south");
  at.loop.run();
  CHECK(at.told.events().size() == 6);  // three questions, one answer, two stopped
}

TEST_CASE("race_and_timeout: in a naive version the losers go on, and their late answers are dropped",
          "[race_and_timeout]") {
  const stage::style how = GENERATE(stage::style::callback, stage::style::future);
  CAPTURE(name_of(how));
  mirrors_on_cue at;
  at.answer("east");

  CHECK(get_page(how, losers::go_on, at.from, 1h).mirror == "east");
  CHECK(at.from.under_way() == 2);
  at.answer("north");
  at.answer("south");
  while (at.from.under_way() > 0) at.loop.turn(true);
  CHECK(at.loop.has_work());  // the limit is still waited for
  CHECK(at.after_questions() == events{"east", "north", "south"});
}

TEST_CASE("race_and_timeout: in every style the limit stops all mirrors", "[race_and_timeout]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  mirrors_on_cue at;

  try {
    (void)get_page(how, losers::are_stopped, at.from, 5ms);
    FAIL("there was an answer");
  } catch (const std::system_error& failure) {
    CHECK(failure.code() == std::errc::timed_out);
  }
  CHECK(at.after_questions() == events{"east stopped", "north stopped", "south stopped"});
  CHECK(at.from.under_way() == 0);
}

TEST_CASE("race_and_timeout: in every style a mirror that fails does not win", "[race_and_timeout]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  mirrors_on_cue at;
  at.fail("north");
  at.answer("east");

  CHECK(get_page(how, losers::are_stopped, at.from, 1h).mirror == "east");
}

TEST_CASE("race_and_timeout: when all mirrors fail the first failure is thrown, with the others in it",
          "[race_and_timeout]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  mirrors_on_cue at;
  for (const char* mirror : mirrors::names) at.fail(mirror);

  try {
    (void)get_page(how, losers::are_stopped, at.from, 1h);
    FAIL("there was an answer");
  } catch (const stage::refused& failure) {
    const error first = error::current();
    CHECK_THAT(failure.what(), contains("has no such page"));
    CHECK(first.suppressed().size() == 2);
  }
  CHECK(at.after_questions() == events{"east failed", "north failed", "south failed"});
}

TEST_CASE("race_and_timeout: the first to end may be a failure", "[race_and_timeout]") {
  mirrors_on_cue at;
  at.fail("north");
  CHECK_THROWS_WITH(run(coroutines::get_whatever_ends_first(at.from, 1h)), "north has no such page");
  CHECK(at.after_questions() == events{"east stopped", "north failed", "south stopped"});
}

TEST_CASE("race_and_timeout: a coroutine and a fiber can be stopped at every await", "[race_and_timeout]") {
  const bool fiber = GENERATE(false, true);
  CAPTURE(fiber);
  const std::size_t suspensions = braid_tests::every_cancellation_with_memory([fiber]() -> task<> {
    stage::cues never;
    const stage::answer_fn fails = [](std::string) -> task<std::string> { throw stage::refused("not here"); };
    const stage::answer_fn answers = [](std::string) -> task<std::string> {
      co_await yield();
      co_return "the page";
    };
    const stage::answer_fn waits = [&](std::string) -> task<std::string> {
      co_await never.wait_for("cue");
      co_return "";
    };
    std::array<tcp::listener, 3> doors;
    std::array<endpoint, 3> at;
    for (std::size_t i = 0; i < doors.size(); ++i) {
      doors[i] = tcp::listen_now(endpoint::loopback());
      at[i] = doors[i].local_endpoint();
    }
    stage::story told;
    const mirrors from(at, told);
    auto asking = [&]() -> task<> {
      if (fiber)
        co_await in_fiber([&] { (void)fibers::get_page(from, 1h); });
      else
        (void)co_await coroutines::get_page(from, 1h);
    };
    co_await when_any(stage::serve(std::move(doors[0]), fails), stage::serve(std::move(doors[1]), answers),
                      stage::serve(std::move(doors[2]), waits), asking);
  });
  CHECK(suspensions > 5);
}
