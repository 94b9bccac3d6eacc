#include "braid/combine/circuit_breaker.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "loop_thread.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

constexpr circuit_breaker_options after_two{
    .failure_percent = 0, .consecutive_failures = 2, .open_for = 1s, .probes = 1};

auto good() { return just(7); }
auto bad() { return just_error<int>(std::errc::connection_refused); }
auto cancelled() { return just_error<int>(std::errc::operation_canceled); }
auto at_fault() { return just_error<int>(std::make_exception_ptr(std::logic_error("ours"))); }

}  // namespace

TEST_CASE("circuit_breaker: opens, lets a probe through, and closes", "[circuit_breaker]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  circuit_breaker server(after_two);
  CHECK(*style.wait(server.run(good())) == 7);
  CHECK(style.wait(server.run(bad)) == std::errc::connection_refused);
  CHECK(server.state() == circuit_state::closed);
  CHECK(style.wait(server.run(bad)) == std::errc::connection_refused);
  CHECK(server.state() == circuit_state::open);
  bool begun = false;
  const auto ended = style.wait(server.run([&] { return begun = true, good(); }));
  CHECK(ended == errc::circuit_open);
  CHECK(ended.error().message() == "circuit_breaker::run: Circuit open");
  CHECK_FALSE(begun);
  run(sleep_for(999ms));
  CHECK(style.wait(server.run(good)) == errc::circuit_open);
  run(sleep_for(1ms));
  CHECK(server.state() == circuit_state::half_open);
  CHECK(style.wait(server.run(bad)) == std::errc::connection_refused);  // the probe
  CHECK(style.wait(server.run(good)) == errc::circuit_open);
  run(sleep_for(1s));
  CHECK(*style.wait(server.run(good)) == 7);
  CHECK(server.state() == circuit_state::closed);
  CHECK(style.wait(server.run(bad)) == std::errc::connection_refused);
  CHECK(server.state() == circuit_state::closed);  // the failures of before are forgotten
}

TEST_CASE("circuit_breaker: opens on a share of failures among enough calls", "[circuit_breaker]") {
  const sim::virtual_time clock;
  loop here;
  circuit_breaker server({.failure_percent = 50, .least_calls = 4, .window = 10s});
  const auto call = [&](const auto& make) { (void)here.run(as_result(server.run(make()))); };
  for (int n = 0; n < 3; ++n) call(bad);
  CHECK(server.state() == circuit_state::closed);  // three calls are not enough
  call(good);
  CHECK(server.state() == circuit_state::closed);  // a success never opens it
  SECTION("the next failure") {
    call(bad);
    CHECK(server.state() == circuit_state::open);
  }
  SECTION("a smaller share does not") {
    for (int n = 0; n < 4; ++n) call(good);
    call(bad);  // four of nine
    CHECK(server.state() == circuit_state::closed);
    call(bad);
    CHECK(server.state() == circuit_state::open);
  }
  SECTION("failures are forgotten when the window has passed") {
    run(sleep_for(11s));
    for (int n = 0; n < 3; ++n) call(bad);
    CHECK(server.state() == circuit_state::closed);
    call(bad);
    CHECK(server.state() == circuit_state::open);
  }
}

TEST_CASE("circuit_breaker: a time-out is a failure; a cancellation and our own fault count nothing",
          "[circuit_breaker][stop]") {
  const sim::virtual_time clock;
  loop here;
  circuit_breaker server(after_two);
  const auto ends = [&](auto op) { return here.run(as_result(server.run(std::move(op)))); };
  CHECK(ends(with_timeout(sleep_for(1h), 1s)) == std::errc::timed_out);
  CHECK(ends(cancelled()) == std::errc::operation_canceled);
  CHECK_THROWS_AS(ends(at_fault()).value(), std::logic_error);
  CHECK(here.run(as_result(with_timeout(server.run(sleep_for(1h)), 1s))) == std::errc::timed_out);
  CHECK(server.state() == circuit_state::closed);
  CHECK(ends(with_timeout(sleep_for(1h), 1s)) == std::errc::timed_out);
  CHECK(server.state() == circuit_state::open);
}

TEST_CASE("circuit_breaker: the caller decides which errors are failures", "[circuit_breaker]") {
  const sim::virtual_time clock;
  loop here;
  circuit_breaker server(after_two);
  const auto refusals = [](const error& why) { return why == std::errc::connection_refused; };
  const auto denied = [] { return just_error<int>(std::errc::permission_denied); };
  for (int n = 0; n < 5; ++n)
    CHECK(here.run(as_result(server.run(denied, refusals))) == std::errc::permission_denied);
  CHECK(server.state() == circuit_state::closed);
  for (int n = 0; n < 2; ++n) (void)here.run(as_result(server.run(bad, refusals)));
  CHECK(server.state() == circuit_state::open);
  run(sleep_for(1s));
  const auto throws = [](const error&) -> bool { throw std::runtime_error("no opinion"); };
  CHECK_THROWS_WITH(here.run(server.run(bad, throws)), "no opinion");
  CHECK(server.state() == circuit_state::half_open);
}

TEST_CASE("circuit_breaker: half-open it lets so many probes through at once", "[circuit_breaker][stop]") {
  const sim::virtual_time clock;
  loop here;
  circuit_breaker server({.consecutive_failures = 1, .open_for = 1s, .probes = 2});
  (void)here.run(as_result(server.run(bad)));
  here.run(sleep_for(1s));
  const auto slow = [] { return sleep_for(100ms); };
  SECTION("all must succeed") {
    const auto ended = here.run(when_all_settled(server.run(slow), server.run(slow), server.run(slow)));
    CHECK(std::get<0>(ended));
    CHECK(std::get<1>(ended));
    CHECK(std::get<2>(ended) == errc::circuit_open);
    CHECK(server.state() == circuit_state::closed);
  }
  SECTION("one that succeeded makes no room for a third") {
    CHECK(here.run(server.run(good)) == 7);
    CHECK(server.state() == circuit_state::half_open);
    auto second = spawn(server.run(slow));
    CHECK(here.run(as_result(server.run(good))) == errc::circuit_open);
    here.run(std::move(second));
    CHECK(server.state() == circuit_state::closed);
  }
  SECTION("one that is cancelled makes room for another") {
    auto stopped = spawn(server.run(slow)), second = spawn(server.run(slow));
    CHECK(here.run(as_result(server.run(good))) == errc::circuit_open);
    stopped.request_stop();
    CHECK(here.run(as_result(std::move(stopped))) == std::errc::operation_canceled);
    CHECK(here.run(server.run(good)) == 7);
    here.run(std::move(second));
    CHECK(server.state() == circuit_state::closed);
  }
  SECTION("those that hang are replaced, and count nothing when they end at last") {
    const auto hangs = []() -> task<int> {
      co_await sleep_for(1500ms);
      co_return co_await bad();
    };
    auto first = spawn(server.run(hangs)), second = spawn(server.run(hangs));
    here.run(sleep_for(999ms));
    CHECK(here.run(as_result(server.run(good))) == errc::circuit_open);
    here.run(sleep_for(1ms));
    CHECK(here.run(server.run(good)) == 7);
    CHECK(here.run(server.run(good)) == 7);
    CHECK(server.state() == circuit_state::closed);
    CHECK(here.run(as_result(std::move(first))) == std::errc::connection_refused);
    CHECK(here.run(as_result(std::move(second))) == std::errc::connection_refused);
    CHECK(server.state() == circuit_state::closed);
  }
}

TEST_CASE("circuit_breaker: a probe that its loop destroys makes room for another", "[circuit_breaker]") {
  const sim::virtual_time clock;
  circuit_breaker server({.consecutive_failures = 1, .open_for = 1s});
  std::optional<loop> first(std::in_place);
  (void)first->run(as_result(server.run(bad)));
  first->run(sleep_for(1s));
  promise<void> nobody_settles;
  detach(server.run(nobody_settles.get_future()));
  CHECK(first->run(as_result(server.run(good))) == errc::circuit_open);
  first.reset();
  CHECK(run(server.run(good)) == 7);
}

TEST_CASE("circuit_breaker: an operation that ends elsewhere is counted at home",
          "[circuit_breaker][threads]") {
  loop here;
  loop_thread other;
  circuit_breaker server(after_two);
  const auto fails_there = [&]() -> task<int> {
    co_await resume_on(other.there());
    co_return co_await bad();
  };
  for (int n = 0; n < 2; ++n)
    CHECK(here.run(as_result(server.run(fails_there))) == std::errc::connection_refused);
  CHECK(server.state() == circuit_state::open);
}

TEST_CASE("circuit_breaker: options that can only be wrong are an invalid_argument", "[circuit_breaker]") {
  CHECK_THROWS_AS(circuit_breaker({.failure_percent = 101}), std::invalid_argument);
  CHECK_THROWS_AS(circuit_breaker({.least_calls = 0}), std::invalid_argument);
  CHECK_THROWS_AS(circuit_breaker({.window = 0s}), std::invalid_argument);
  CHECK_THROWS_AS(circuit_breaker({.open_for = -1s}), std::invalid_argument);
  CHECK_THROWS_AS(circuit_breaker({.probes = 0}), std::invalid_argument);
}

TEST_CASE("circuit_breaker: can be stopped at each suspension", "[circuit_breaker][stop]") {
  every_cancellation([]() -> task<> {
    circuit_breaker server({.failure_percent = 0, .consecutive_failures = 1, .open_for = 0s, .probes = 2});
    const auto fails = []() -> task<int> {
      co_await yield();
      co_return co_await bad();
    };
    const auto succeeds = []() -> task<int> {
      co_await sleep_for(1us);
      co_return 7;
    };
    (void)co_await as_result(server.run(fails));
    co_await when_all(server.run(succeeds), server.run(succeeds));
    CHECK(server.state() == circuit_state::closed);
  });
}

// ---- random programs ----------------------------------------------------------------------------------

namespace {

enum class outcome { good, bad, cancelled };
struct call {
  std::int64_t begin, end;  // no two instants of a program are the same
  outcome how;
};
struct program {
  circuit_breaker_options options;
  std::vector<call> calls;
};
struct seen {
  bool ran;
  circuit_state after_begin, after_end;
  bool operator==(const seen&) const = default;
};

program random_program(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto upto = [&](std::int64_t most) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most + 1));
  };
  program made;
  made.options = {.failure_percent = upto(3) == 0 ? 0u : static_cast<unsigned>(1 + upto(99)),
                  .least_calls = static_cast<std::size_t>(1 + upto(5)),
                  .window = std::chrono::nanoseconds(1 + upto(60)),
                  .consecutive_failures = static_cast<std::size_t>(upto(4)),
                  .open_for = std::chrono::nanoseconds(upto(25)),
                  .probes = static_cast<std::size_t>(1 + upto(2))};
  std::vector<std::int64_t> instants(200);
  std::iota(instants.begin(), instants.end(), 1);
  std::shuffle(instants.begin(), instants.end(), random);
  const auto failing = upto(10);
  for (int n = 0; n < 60; ++n) {
    std::int64_t begin = instants.back();
    instants.pop_back();
    // Most calls are short.
    const auto next = std::min_element(instants.begin(), instants.end(), [&](auto left, auto right) {
      return (left < begin) != (right < begin) ? left > begin : left < right;
    });
    const auto at = upto(4) == 0 ? instants.begin() : next;
    const std::int64_t end = *at;
    instants.erase(at);
    made.calls.push_back({std::min(begin, end), std::max(begin, end),
                          upto(5) == 0         ? outcome::cancelled
                          : upto(10) < failing ? outcome::bad
                                               : outcome::good});
  }
  return made;
}

// The model keeps every result, and counts anew each time.
std::vector<seen> expected(const program& of, std::int64_t begun) {
  std::vector<seen> all(of.calls.size());
  const circuit_breaker_options& how = of.options;
  const std::int64_t slice = (how.window.count() + 9) / 10, open_for = how.open_for.count();
  circuit_state state = circuit_state::closed;
  std::int64_t since = 0, round = 0;
  std::vector<std::pair<std::int64_t, bool>> results;  // of this round: when, and did it fail?
  std::vector<std::int64_t> rounds(of.calls.size(), -1);
  std::size_t running = 0, recovered = 0;
  const auto enter = [&](circuit_state next, std::int64_t now) {
    state = next, since = now, running = recovered = 0;
    ++round;
    results.clear();
  };
  const auto shown = [&](std::int64_t now) {
    return state == circuit_state::open && now >= since + open_for ? circuit_state::half_open : state;
  };
  const auto opens = [&](std::int64_t now) {
    std::size_t in_a_row = 0, ended = 0, failed = 0;
    for (auto each = results.rbegin(); each != results.rend() && each->second; ++each) ++in_a_row;
    for (const auto& [when, bad] : results)
      if ((begun + when) / slice + 10 >= (begun + now) / slice) ++ended, failed += bad ? 1 : 0;
    return (how.consecutive_failures != 0 && in_a_row >= how.consecutive_failures) ||
           (how.failure_percent != 0 && ended >= how.least_calls &&
            failed * 100 >= ended * how.failure_percent);
  };
  for (std::int64_t now = 1; now <= 200; ++now) {
    for (std::size_t n = 0; n < of.calls.size(); ++n) {
      const call& each = of.calls[n];
      if (each.begin == now) {
        if (shown(now) == circuit_state::half_open) {
          if (state == circuit_state::open || (running + recovered == how.probes && now >= since + open_for))
            enter(circuit_state::half_open, now);
          if (running + recovered < how.probes) ++running, rounds[n] = round;
        } else if (state == circuit_state::closed) {
          rounds[n] = round;
        }
        all[n].ran = rounds[n] != -1;
        all[n].after_begin = shown(now);
      }
      if (each.end != now) continue;
      if (rounds[n] == round) {
        if (state == circuit_state::half_open) {
          --running;
          if (each.how == outcome::bad) enter(circuit_state::open, now);
          if (each.how == outcome::good && ++recovered == how.probes) enter(circuit_state::closed, now);
        } else if (each.how != outcome::cancelled) {
          results.emplace_back(now, each.how == outcome::bad);
          if (each.how == outcome::bad && opens(now)) enter(circuit_state::open, now);
        }
      }
      all[n].after_end = shown(now);
    }
  }
  return all;
}

std::vector<seen> measured(const program& of, std::int64_t& begun_at) {
  const sim::virtual_time clock;
  loop here;
  circuit_breaker breaker(of.options);
  here.run(sleep_for(1us));
  const auto begun = loop_clock::now();
  begun_at = begun.time_since_epoch().count();
  std::vector<seen> all(of.calls.size());
  std::vector<std::unique_ptr<stop_source>> stops;
  const auto instant = [&](std::int64_t at) { return begun + std::chrono::nanoseconds(at); };
  const auto one = [&](std::size_t n, stop_source& stop) -> task<> {
    const call each = of.calls[n];
    co_await sleep_until(instant(each.begin));
    const auto op = [&]() -> task<int> {
      all[n].ran = true;
      co_await sleep_until(instant(each.how == outcome::cancelled ? 1000 : each.end));
      if (each.how == outcome::bad) throw std::runtime_error("bad");
      co_return 7;
    };
    auto running = spawn(with_stop_token(breaker.run(op), stop.get_token()));
    all[n].after_begin = breaker.state();
    co_await sleep_until(instant(each.end));
    if (each.how == outcome::cancelled) stop.request_stop();
    (void)co_await as_result(std::move(running));
    all[n].after_end = breaker.state();
  };
  std::vector<task<>> tasks;
  for (std::size_t n = 0; n < of.calls.size(); ++n)
    tasks.push_back(one(n, *stops.emplace_back(std::make_unique<stop_source>())));
  here.run(when_all(std::move(tasks)));
  return all;
}

}  // namespace

TEST_CASE("circuit_breaker: random programs end as in the model", "[circuit_breaker][programs]") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    CAPTURE(seed);
    const program made = random_program(seed);
    std::int64_t begun = 0;
    const std::vector<seen> real = measured(made, begun), model = expected(made, begun);
    for (std::size_t n = 0; n < model.size(); ++n) {
      CAPTURE(n, made.calls[n].begin, made.calls[n].end, model[n].ran, real[n].ran);
      REQUIRE(real[n] == model[n]);
    }
  }
}
