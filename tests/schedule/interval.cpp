#include "braid/schedule/interval.hpp"

#include <chrono>
#include <limits>
#include <optional>
#include <ratio>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::recorded;

TEST_CASE("interval: a period that is not positive is refused and named", "[schedule][interval]") {
  const auto period =
      GENERATE(loop_clock::duration(0), loop_clock::duration(-1), loop_clock::duration::min());
  try {
    interval ticks(period);
    FAIL("was made");
  } catch (const std::invalid_argument& e) {
    CHECK_THAT(e.what(), braid_tests::contains("interval: the period must be positive"));
  }
}

TEST_CASE("interval: a fractional period that is not positive is refused", "[schedule][interval]") {
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

TEST_CASE("interval: needs a loop only to wait for a beat", "[schedule][interval]") {
  interval ticks(1us);
  loop home;
  home.run(ticks.next());
  home.run(ticks.next());
  CHECK(home.in_flight() == 0);
}

TEST_CASE("interval: skips missed beats by default", "[schedule][interval]") {
  loop home;
  constexpr auto period = 20ms;
  interval ticks(period);
  const auto begun = loop_clock::now();
  home.run(sleep_for(3 * period));  // beats 1 to 3 have passed
  home.run(ticks.next());
  CHECK(loop_clock::now() - begun >= 3 * period);
  // No beat is received twice: the next one comes a whole period after the last.
  const auto before = loop_clock::now();
  const auto beats_gone = (before - begun) / period;
  home.run(ticks.next());
  CHECK(loop_clock::now() - begun >= (beats_gone + 1) * period - 1us);
}

// The times of beats, in milliseconds of virtual time since the start.
class beats {
 public:
  explicit beats(loop_clock::time_point start = loop_clock::now()) : start_(start) {}
  void note() { seen.push_back((loop_clock::now() - start_) / 1ms); }
  std::vector<long> seen;

 private:
  loop_clock::time_point start_;
};

TEST_CASE("interval: a next that times out, is not chosen or never begins keeps its beat",
          "[schedule][interval]") {
  sim::virtual_time time;
  loop home;
  home.run([]() -> task<> {
    beats heard;
    interval ticks(100ms);
    { auto never_begun = ticks.next(); }
    for (int i = 0; i < 3; ++i) {
      const auto ended =
          co_await as_result(with_timeout(ticks.next(), 30ms));  // not inside CHECK: docs/compilers.md
      CHECK(ended.error() == std::errc::timed_out);
    }
    const auto first = co_await when_any(ticks.next(), sleep_for(5ms));
    CHECK(first.index == 1);
    co_await ticks.next();
    heard.note();
    auto asked_early = ticks.next();
    co_await sleep_for(30ms);
    co_await std::move(asked_early);
    heard.note();
    CHECK(heard.seen == std::vector<long>{100, 200});
  });
}

TEST_CASE("interval: skips, catches up on, or is delayed by missed beats, as its option says",
          "[schedule][interval]") {
  sim::virtual_time time;
  loop home;
  const auto heard_with = [&home](missed_beats missed) {
    std::vector<long> seen;
    home.run([&]() -> task<> {
      beats heard;
      interval ticks(100ms, missed);
      co_await ticks.next();
      heard.note();
      co_await sleep_for(250ms);
      for (int i = 0; i < 4; ++i) {
        co_await ticks.next();
        heard.note();
      }
      seen = heard.seen;
    });
    return seen;
  };
  CHECK(heard_with(missed_beats::skip) == std::vector<long>{100, 350, 400, 500, 600});
  CHECK(heard_with(missed_beats::burst) == std::vector<long>{100, 350, 350, 400, 500});
  CHECK(heard_with(missed_beats::delay) == std::vector<long>{100, 350, 450, 550, 650});
}

TEST_CASE("interval: starts and resets at a given instant", "[schedule][interval]") {
  sim::virtual_time time;
  loop home;
  home.run([]() -> task<> {
    const auto now = loop_clock::now();
    beats heard;
    interval ticks(100ms, {.start = now + 30ms});
    interval at_once(100ms, {.start = now});
    interval long_ago(100ms, {.start = loop_clock::time_point::min()});
    co_await at_once.next();
    co_await long_ago.next();
    CHECK(loop_clock::now() == now);
    co_await ticks.next();
    heard.note();
    co_await ticks.next();
    heard.note();
    co_await sleep_for(50ms);
    ticks.reset();
    co_await ticks.next();
    heard.note();
    ticks.reset(now + 300ms);
    co_await ticks.next();
    heard.note();
    CHECK(heard.seen == std::vector<long>{30, 130, 280, 300});
  });
}

TEST_CASE("interval: a reset changes a next() in flight", "[schedule][interval]") {
  sim::virtual_time time;
  loop home;
  home.run([]() -> task<> {
    beats heard;
    const auto now = loop_clock::now();
    interval ticks(100ms);
    const auto resets = [&]() -> task<> {
      co_await sleep_for(90ms);
      ticks.reset();  // later than planned: at 190
      co_await sleep_for(10ms);
      ticks.reset(now + 120ms);  // sooner
    };
    const auto hears = [&]() -> task<> {
      co_await ticks.next();
      heard.note();
      co_await ticks.next();
      heard.note();
    };
    co_await when_all(resets(), hears());
    CHECK(heard.seen == std::vector<long>{120, 220});
  });
}

TEST_CASE("interval: simultaneous next() get a beat each, in order", "[schedule][interval]") {
  sim::virtual_time time;
  loop home;
  home.run([]() -> task<> {
    beats heard;
    interval ticks(100ms);
    std::vector<int> order;
    const auto hears = [&](int number) -> task<> {
      co_await ticks.next();
      heard.note();
      order.push_back(number);
    };
    auto cancelled = spawn(ticks.next());
    cancelled.request_stop();
    co_await when_all(hears(1), hears(2), hears(3));
    CHECK(heard.seen == std::vector<long>{100, 200, 300});
    CHECK(order == std::vector{1, 2, 3});
  });
}

TEST_CASE("interval: may be destroyed or moved while its next() waits; a copy beats by itself",
          "[schedule][interval]") {
  sim::virtual_time time;
  loop home;
  home.run([]() -> task<> {
    beats heard;
    std::optional<interval> ticks(100ms);
    auto waits = spawn(ticks->next());
    interval copy = *ticks;
    interval moved = std::move(*ticks);
    ticks.reset();
    co_await std::move(waits);
    heard.note();
    co_await copy.next();
    heard.note();
    co_await moved.next();
    heard.note();
    auto last = spawn(moved.next());
    moved = interval(10ms);
    co_await std::move(last);
    heard.note();
    co_await interval(7ms).next();
    heard.note();
    CHECK(heard.seen == std::vector<long>{100, 100, 200, 300, 307});
  });
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
