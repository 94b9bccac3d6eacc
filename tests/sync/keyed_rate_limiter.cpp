#include "braid/sync/keyed_rate_limiter.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
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

TEST_CASE("keyed_rate_limiter: each key has its own tokens", "[sync][keyed_rate_limiter]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  keyed_rate_limiter<std::string> calls(10, 2);
  const auto begun = loop_clock::now();
  CHECK(style.wait(calls.acquire("ann", 2)));
  CHECK(style.wait(calls.acquire("bob")));
  CHECK(calls.try_acquire("bob"));
  CHECK_FALSE(calls.try_acquire("ann"));
  CHECK(loop_clock::now() == begun);
  CHECK(style.wait(calls.acquire("ann")));
  CHECK(loop_clock::now() == begun + 100ms);
  CHECK(calls.size() == 2);
  CHECK_THROWS_AS(style.wait(calls.acquire("ann", 3)).value(), std::invalid_argument);
  CHECK_THROWS_AS(calls.try_acquire("bob", 3), std::invalid_argument);
}

TEST_CASE("keyed_rate_limiter: wrong numbers are an invalid_argument", "[sync][keyed_rate_limiter]") {
  CHECK_THROWS_AS(keyed_rate_limiter<int>(0, 1), std::invalid_argument);
  CHECK_THROWS_AS(keyed_rate_limiter<int>(1, 0), std::invalid_argument);
  CHECK_THROWS_AS(keyed_rate_limiter<int>(1, 1, 0), std::invalid_argument);
}

TEST_CASE("keyed_rate_limiter: forgets idle keys, and refuses new ones when all are busy",
          "[sync][keyed_rate_limiter]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  keyed_rate_limiter<int> calls(1, 1, 100);
  for (int key = 0; key < 100; ++key) CHECK(calls.try_acquire(key));
  CHECK(calls.size() == 100);
  CHECK_FALSE(calls.try_acquire(100));
  CHECK(style.wait(calls.acquire(100)) == std::errc::resource_unavailable_try_again);
  auto waits = spawn(calls.acquire(0));
  run(sleep_for(1s));
  CHECK(calls.try_acquire(100));
  CHECK(calls.size() == 2);  // of the others only the one that was waited for is busy
  here.run(std::move(waits));
  run(sleep_for(1s));
  calls.forget_idle();
  CHECK(calls.size() == 0);
}

TEST_CASE("keyed_rate_limiter: a million keys, one after the other, need little memory",
          "[sync][keyed_rate_limiter]") {
  const sim::virtual_time clock;
  loop here;
  keyed_rate_limiter<int> calls(token_rate(1, 10ns), 1);
  std::size_t most = 0;
  here.run([&]() -> task<> {
    for (int key = 0; key < 1'000'000; ++key) {
      co_await calls.acquire(key);
      if (key % 10 == 0) co_await sleep_for(10ns);
      most = std::max(most, calls.size());
    }
  });
  CHECK(most <= 40);
}

TEST_CASE("keyed_rate_limiter: can be stopped at each suspension", "[sync][keyed_rate_limiter][stop]") {
  every_cancellation([]() -> task<> {
    keyed_rate_limiter<std::string> calls(1000, 1);
    int served = 0;
    const auto asks = [&](std::string key) -> task<> {
      co_await calls.acquire(key);
      co_await yield();
      co_await calls.acquire(key);
      ++served;
    };
    co_await when_all(asks("ann"), asks("bob"), asks("ann"));
    CHECK(served == 3);
  });
}

// The model has a rate_limiter for each key, and forgets none.
TEST_CASE("keyed_rate_limiter: in random programs it does what a limiter for each key does",
          "[sync][keyed_rate_limiter][programs]") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    const sim::virtual_time clock;
    loop here;
    std::mt19937_64 random(seed);
    const auto upto = [&](std::uint64_t most) { return static_cast<std::size_t>(random() % (most + 1)); };
    const token_rate rate(1 + upto(3), std::chrono::nanoseconds(1 + upto(20)));
    const std::size_t burst = 1 + upto(4);
    keyed_rate_limiter<std::size_t> real(rate, burst);
    std::map<std::size_t, rate_limiter> model;
    std::vector<std::pair<std::string, std::string>> ends(100);
    std::vector<std::unique_ptr<stop_source>> stops;
    const auto end = [](std::string& which) {
      return [&which](const result<void>& ended) {
        which =
            std::to_string(loop_clock::now().time_since_epoch().count()) + (ended ? " served" : " stopped");
      };
    };
    for (auto& [of_real, of_model] : ends) {
      const std::size_t key = upto(40), n = upto(burst);
      rate_limiter& one = model.try_emplace(key, rate, burst).first->second;
      if (upto(2) == 0) {
        REQUIRE(real.try_acquire(key, n) == one.try_acquire(n));
      } else {
        stop_source& stop = *stops.emplace_back(std::make_unique<stop_source>());
        start(with_stop_token(real.acquire(key, n), stop.get_token()), end(of_real));
        start(with_stop_token(one.acquire(n), stop.get_token()), end(of_model));
      }
      if (upto(1) == 0) here.run(sleep_for(std::chrono::nanoseconds(upto(10))));
      if (upto(3) == 0 && !stops.empty()) stops[upto(stops.size() - 1)]->request_stop();
      if (upto(9) == 0) real.forget_idle();
    }
    here.run();
    for (const auto& [of_real, of_model] : ends) REQUIRE(of_real == of_model);
  }
}
