#include "braid/schedule/interval.hpp"

#include <chrono>
#include <limits>
#include <ratio>
#include <stdexcept>
#include <string>

#include "braid/schedule/sleep.hpp"
#include "braid/style/run.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::recorded;

TEST_CASE("interval: a period that is not positive is refused by name", "[schedule][interval]") {
  const auto period =
      GENERATE(loop_clock::duration(0), loop_clock::duration(-1), loop_clock::duration::min());
  try {
    interval ticks(period);
    FAIL("was made");
  } catch (const std::invalid_argument& e) {
    CHECK_THAT(e.what(), braid_tests::contains("interval: the period must be positive"));
  }
}

TEST_CASE("interval: a fractional period is refused unless it is positive too", "[schedule][interval]") {
  using real_seconds = std::chrono::duration<double>;
  CHECK_THROWS_AS(interval(real_seconds(0)), std::invalid_argument);
  CHECK_THROWS_AS(interval(real_seconds(-1e-9)), std::invalid_argument);
  CHECK_THROWS_AS(interval(real_seconds(std::numeric_limits<double>::quiet_NaN())), std::invalid_argument);
  CHECK_THROWS_AS(interval(std::chrono::hours::min()), std::invalid_argument);
  CHECK_NOTHROW(interval(real_seconds(1e-30)));
  CHECK_NOTHROW(interval(std::chrono::duration<int, std::pico>(1)));
}

TEST_CASE("interval: each beat is a multiple of the period after the start, or later",
          "[schedule][interval]") {
  loop home;
  const auto begun = loop_clock::now();
  interval ticks(200us);
  home.run([&]() -> task<> {
    for (int beat = 1; beat <= 5; ++beat) {
      co_await ticks.next();
      if (loop_clock::now() - begun < beat * 200us) throw std::logic_error("too early");
    }
  });
}

TEST_CASE("interval: works without a loop until its beat is waited for", "[schedule][interval]") {
  interval ticks(1us);
  loop home;
  home.run(ticks.next());
  home.run(ticks.next());
  CHECK(home.in_flight() == 0);
}

TEST_CASE("interval: beats that were missed are skipped, not caught up on", "[schedule][interval]") {
  loop home;
  constexpr auto period = 20ms;
  interval ticks(period);
  const auto begun = loop_clock::now();
  home.run(sleep_for(3 * period));  // beats 1 to 3 went by
  home.run(ticks.next());
  CHECK(loop_clock::now() - begun >= 3 * period);
  // No beat is handed out twice: the next one is a whole period after the last.
  const auto before = loop_clock::now();
  const auto beats_gone = (before - begun) / period;
  home.run(ticks.next());
  CHECK(loop_clock::now() - begun >= (beats_gone + 1) * period - 1us);
}

TEST_CASE("interval: a period of centuries never beats, and can be stopped", "[schedule][interval]") {
  loop home;
  stop_source source;
  interval ticks =
      GENERATE(as<interval>(), interval(loop_clock::duration::max()), interval(std::chrono::hours::max()));
  recorded first(ticks.next(), source.get_token());
  recorded second(ticks.next(), source.get_token());
  first.start();
  second.start();
  for (int n = 0; n < 3; ++n) home.turn(false);
  CHECK_FALSE(first.done());
  CHECK_FALSE(second.done());
  source.request_stop();
  home.run();
  CHECK(first.result().error() == std::errc::operation_canceled);
  CHECK(second.result().error() == std::errc::operation_canceled);
}

}  // namespace
