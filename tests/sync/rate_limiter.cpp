#include "braid/sync/rate_limiter.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/sync/select.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("rate_limiter: the burst comes at once, then one token after the other", "[sync][rate_limiter]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  rate_limiter calls(10, 3);
  const auto begun = loop_clock::now();
  for (int n = 0; n < 3; ++n) CHECK(style.wait(calls.acquire()));
  CHECK(loop_clock::now() == begun);
  CHECK(calls.available() == 0);
  CHECK_FALSE(calls.try_acquire());
  CHECK(style.wait(calls.acquire()));
  CHECK(loop_clock::now() == begun + 100ms);
  CHECK(style.wait(calls.acquire(2)));
  CHECK(loop_clock::now() == begun + 300ms);
  run(sleep_for(250ms));
  CHECK(calls.available() == 2);
  CHECK(calls.try_acquire(2));
  CHECK(style.wait(calls.acquire()));
  CHECK(loop_clock::now() == begun + 600ms);  // half a token had been there already
  run(sleep_for(1h));
  CHECK(calls.available() == 3);
}

TEST_CASE("rate_limiter: no rounding error adds up", "[sync][rate_limiter]") {
  const sim::virtual_time clock;
  loop here;
  rate_limiter thirds(3, 1);
  const auto begun = loop_clock::now();
  here.run([&]() -> task<> {
    for (int n = 0; n < 3001; ++n) co_await thirds.acquire();
  });
  CHECK(loop_clock::now() == begun + 1000s);
  rate_limiter slow(token_rate(1, 24h * 365), 1);
  here.run(when_all(slow.acquire(), slow.acquire()));
  CHECK(loop_clock::now() == begun + 1000s + 24h * 365);
}

TEST_CASE("rate_limiter: the largest numbers do not overflow", "[sync][rate_limiter]") {
  const sim::virtual_time clock;
  loop here;
  constexpr auto most = SIZE_MAX;
  rate_limiter endless(token_rate(most, loop_clock::duration::max()), most);
  run(sleep_for(24h));
  CHECK(endless.available() == most);
  CHECK(endless.try_acquire(most));
  CHECK(endless.available() == 0);
  run(sleep_for(1ns));
  CHECK(endless.available() == 2);
  rate_limiter never(token_rate(1, loop_clock::duration::max()), most);
  CHECK(never.try_acquire(most));
  CHECK(run(as_result(with_timeout(never.acquire(most), 1h))) == std::errc::timed_out);
}

TEST_CASE("rate_limiter: numbers that can only be wrong are an invalid_argument", "[sync][rate_limiter]") {
  IN_EVERY_STYLE(style);
  loop here;
  rate_limiter calls(10, 3);
  CHECK_THROWS_AS(style.wait(calls.acquire(4)).value(), std::invalid_argument);
  CHECK_THROWS_AS(calls.try_acquire(4), std::invalid_argument);
  CHECK_THROWS_AS(run(select(calls.acquire(4), sleep_for(1h))), std::invalid_argument);
  CHECK(calls.available() == 3);
  CHECK_THROWS_AS(rate_limiter(0, 1), std::invalid_argument);
  CHECK_THROWS_AS(rate_limiter(-1, 1), std::invalid_argument);
  CHECK_THROWS_AS(rate_limiter(1, 0), std::invalid_argument);
  CHECK_THROWS_AS(rate_limiter(token_rate(1, 0s), 1), std::invalid_argument);
}

TEST_CASE("rate_limiter: who waits for many tokens is not overtaken", "[sync][rate_limiter]") {
  const sim::virtual_time clock;
  loop here;
  rate_limiter calls(1, 5);
  CHECK(calls.try_acquire(4));
  std::vector<int> order;
  start(calls.acquire(5), [&](result<void>) { order.push_back(5); });
  start(calls.acquire(), [&](result<void>) { order.push_back(1); });
  start(calls.acquire(0), [&](result<void>) { order.push_back(0); });
  CHECK_FALSE(calls.try_acquire());
  CHECK(calls.available() == 1);
  const auto begun = loop_clock::now();
  here.run();
  CHECK(order == std::vector{5, 1, 0});
  CHECK(loop_clock::now() == begun + 5s);
}

TEST_CASE("rate_limiter: a stopped waiter takes nothing, and the next ones move up",
          "[sync][rate_limiter][stop]") {
  const sim::virtual_time clock;
  loop here;
  rate_limiter calls(1, 10);
  CHECK(calls.try_acquire(8));
  stop_source stop;
  auto many = spawn(with_stop_token(calls.acquire(10), stop.get_token()));
  auto two = spawn(calls.acquire(2));
  auto one = spawn(calls.acquire(1));
  here.run(yield());
  CHECK_FALSE(two.is_ready());
  const auto begun = loop_clock::now();
  stop.request_stop();
  CHECK(here.run(as_result(std::move(many))) == std::errc::operation_canceled);
  here.run(std::move(two));
  CHECK(loop_clock::now() == begun);
  here.run(std::move(one));
  CHECK(loop_clock::now() == begun + 1s);
}

TEST_CASE("rate_limiter: without waiters it leaves no timer behind", "[sync][rate_limiter][stop]") {
  const sim::virtual_time clock;
  loop here;
  auto calls = std::make_unique<rate_limiter>(token_rate(1, 24h), 1);
  CHECK(calls->try_acquire());
  const auto begun = loop_clock::now();
  stop_source stop;
  auto stopped = spawn(with_stop_token(calls->acquire(), stop.get_token()));
  stop.request_stop();
  SECTION("and may be destroyed at once") { calls.reset(); }
  SECTION("and may be waited for again at once") {
    here.run(when_all(calls->acquire(), sleep_for(1h)));
    CHECK(loop_clock::now() == begun + 24h);
  }
  here.run();
  CHECK(here.run(as_result(std::move(stopped))) == std::errc::operation_canceled);
  if (calls == nullptr) CHECK(loop_clock::now() == begun);
}

TEST_CASE("rate_limiter: in a select the acquire that is not chosen takes nothing", "[sync][rate_limiter]") {
  const sim::virtual_time clock;
  loop here;
  rate_limiter calls(1, 2);
  CHECK(here.run(select(sleep_for(1h), calls.acquire(2))).index == 1);
  CHECK(here.run(select(sleep_for(1s), calls.acquire(2))).index == 0);
  CHECK(calls.available() == 1);
  CHECK(here.run(select(calls.acquire(2), calls.acquire(1))).index == 1);
  CHECK(here.run(select(calls.acquire(2), calls.acquire(2))).index == 0);
  CHECK(calls.available() == 0);
  CHECK(here.run(select(sleep_for(10s), calls.acquire(2))).index == 1);
}

TEST_CASE("rate_limiter: outlives a loop that ends while operations wait", "[sync][rate_limiter]") {
  const sim::virtual_time clock;
  rate_limiter calls(1, 1);
  std::optional<loop> first(std::in_place);
  first->run(calls.acquire());
  detach([&]() -> task<> { co_await when_all(calls.acquire(), calls.acquire()); });
  first->run(yield());
  first.reset();
  loop second;
  const auto begun = loop_clock::now();
  second.run(calls.acquire());
  CHECK(loop_clock::now() == begun + 1s);
}

TEST_CASE("rate_limiter: can be stopped at each suspension", "[sync][rate_limiter][stop]") {
  every_cancellation([]() -> task<> {
    rate_limiter calls(1000, 2);
    int served = 0;
    const auto asks = [&](std::size_t n) -> task<> {
      co_await calls.acquire(n);
      co_await yield();
      co_await calls.acquire(1);
      ++served;
    };
    co_await when_all(asks(2), asks(1), asks(2), asks(0));
    CHECK(served == 4);
  });
}

// ---- random programs ----------------------------------------------------------------------------------

namespace {

constexpr std::int64_t never = -1;

struct wish {
  std::size_t tokens;
  std::int64_t begin;
  std::int64_t stop;  // or never
  bool tries;         // does not wait
};
struct ending {
  std::int64_t at = never;
  bool served = false;
  bool operator==(const ending&) const = default;
};

struct program {
  std::size_t tokens, period, burst;
  std::vector<wish> wishes;
};

program random_program(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto upto = [&](std::size_t most) { return static_cast<std::size_t>(random() % (most + 1)); };
  program made{1 + upto(4), 1 + upto(20), 1 + upto(7), {}};
  for (std::size_t n = 5 + upto(15); n > 0; --n) {
    const auto begin = static_cast<std::int64_t>(upto(60));
    const bool stops = upto(2) == 0;
    made.wishes.push_back({upto(made.burst), begin,
                           stops ? begin + static_cast<std::int64_t>(1 + upto(60)) : never, upto(4) == 0});
  }
  return made;
}

// The model goes from nanosecond to nanosecond. In each, the program's steps come first, then the tokens.
std::vector<ending> expected(const program& of) {
  std::vector<ending> ends(of.wishes.size());
  std::vector<std::size_t> queue;
  const std::size_t full = of.burst * of.period;
  std::size_t level = full;
  const auto fits = [&](std::size_t n) { return of.wishes[n].tokens * of.period <= level; };
  const auto serve = [&](std::size_t n, std::int64_t now) {
    level -= of.wishes[n].tokens * of.period;
    ends[n] = {now, true};
  };
  const auto serve_queue = [&](std::int64_t now) {
    while (!queue.empty() && fits(queue.front())) {
      serve(queue.front(), now);
      queue.erase(queue.begin());
    }
  };
  constexpr std::int64_t last_step = 120;  // of a random program
  for (std::int64_t now = 0; now <= last_step || !queue.empty(); ++now) {
    if (now > 0) level += of.tokens;
    if (queue.empty()) level = std::min(full, level);
    for (std::size_t n = 0; n < of.wishes.size(); ++n) {
      const wish& each = of.wishes[n];
      if (each.begin == now) {
        if (queue.empty() && fits(n))
          serve(n, now);
        else if (each.tries)
          ends[n] = {now, false};
        else
          queue.push_back(n);
      }
      if (const auto at = std::find(queue.begin(), queue.end(), n); each.stop == now && at != queue.end()) {
        queue.erase(at);
        ends[n] = {now, false};
        serve_queue(now);
      }
    }
    serve_queue(now);
    if (queue.empty()) level = std::min(full, level);
  }
  return ends;
}

std::vector<ending> measured(const program& of) {
  const sim::virtual_time clock;
  loop here;
  rate_limiter limiter(token_rate(of.tokens, std::chrono::nanoseconds(of.period)), of.burst);
  const auto begun = loop_clock::now();
  std::vector<ending> ends(of.wishes.size());
  std::vector<std::unique_ptr<stop_source>> stops;
  for (std::size_t n = 0; n < of.wishes.size(); ++n) {
    const wish each = of.wishes[n];
    stop_source& stop = *stops.emplace_back(std::make_unique<stop_source>());
    const auto end = [&, n](bool served) { ends[n] = {(loop_clock::now() - begun).count(), served}; };
    start(sleep_until(begun + std::chrono::nanoseconds(each.begin)), [&, each, end](result<void>) {
      if (each.tries) return end(limiter.try_acquire(each.tokens));
      start(with_stop_token(limiter.acquire(each.tokens), stop.get_token()),
            [end](const result<void>& ended) { end(ended.has_value()); });
    });
    if (each.stop != never)
      start(sleep_until(begun + std::chrono::nanoseconds(each.stop)),
            [&](result<void>) { stop.request_stop(); });
  }
  here.run();
  return ends;
}

}  // namespace

TEST_CASE("rate_limiter: random programs end as in the model", "[sync][rate_limiter][programs]") {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    CAPTURE(seed);
    const program made = random_program(seed);
    const std::vector<ending> model = expected(made), real = measured(made);
    for (std::size_t n = 0; n < model.size(); ++n) {
      CAPTURE(n, made.wishes[n].begin, model[n].at, model[n].served, real[n].at, real[n].served);
      REQUIRE(real[n] == model[n]);
    }
  }
}
