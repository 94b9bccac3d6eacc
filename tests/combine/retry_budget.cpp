#include "braid/combine/retry_budget.hpp"

#include <chrono>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "braid/combine/retry.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("retry_budget: a retry without budget ends with the last error", "[retry_budget]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  retry_budget budget({.percent = 0, .at_least = 2});
  const retry_policy policy{.attempts = 10, .budget = &budget};
  int attempts = 0, observed = 0;
  const auto fails = [&] { return ++attempts, just_error<int>(std::errc::io_error); };
  const auto observe = [&](const failed_attempt& each) { observed += each.pause ? 1 : 100; };
  const auto ended = style.wait(retry(policy, fails, worth_retrying, observe));
  CHECK(ended == std::errc::io_error);
  CHECK(ended.error().suppressed().size() == 2);
  CHECK(attempts == 3);
  CHECK(observed == 102);
  CHECK(style.wait(retry(policy, fails)) == std::errc::io_error);
  CHECK(attempts == 4);
  CHECK(*style.wait(retry(policy, [] { return just(7); })) == 7);
  run(sleep_for(30s));
  CHECK(budget.available() == 2);
  CHECK(style.wait(retry(policy, fails)) == std::errc::io_error);
  CHECK(attempts == 7);
}

TEST_CASE("retry_budget: a hundred failing requests make twenty retries together", "[retry_budget]") {
  const sim::virtual_time clock;
  loop here;
  retry_budget budget({.percent = 20, .at_least = 0, .window = 1min});
  int attempts = 0;
  const auto fails = [&] { return ++attempts, just_error<int>(std::errc::io_error); };
  std::vector<decltype(retry({}, fails))> requests;
  for (int n = 0; n < 100; ++n)
    requests.push_back(retry({.attempts = 4, .base = 1s, .budget = &budget}, fails));
  (void)here.run(when_all_settled(std::move(requests)));
  CHECK(attempts == 120);
  CHECK(budget.available() == 0);
}

TEST_CASE("retry_budget: neither the last attempt nor an error without retry takes from it",
          "[retry_budget]") {
  loop here;
  retry_budget budget({.percent = 0, .at_least = 5});
  const auto fails = [] { return just_error<int>(std::errc::io_error); };
  (void)here.run(as_result(retry({.attempts = 3, .base = 0ns, .budget = &budget}, fails)));
  CHECK(budget.available() == 3);
  const auto never = [](const error&) { return false; };
  (void)here.run(as_result(retry({.attempts = 3, .base = 0ns, .budget = &budget}, fails, never)));
  CHECK(budget.available() == 3);
  CHECK_THROWS_AS(retry_budget({.window = 0s}), std::invalid_argument);
}

TEST_CASE("retry_budget: a retry with a budget can be stopped at each suspension", "[retry_budget][stop]") {
  every_cancellation([]() -> task<> {
    retry_budget budget;
    int attempts = 0;
    const auto third = [&]() -> task<> {
      co_await yield();
      if (++attempts < 3) throw std::runtime_error("not yet");
    };
    const retry_policy policy{.base = 1us, .budget = &budget};
    co_await retry(policy, third);
  });
}

// The model keeps the instants of all requests and retries, and counts anew each time.
TEST_CASE("retry_budget: random programs are granted what the model grants", "[retry_budget][programs]") {
  const sim::virtual_time clock;
  loop here;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const auto upto = [&](std::uint64_t most) { return random() % (most + 1); };
    const retry_budget_options how{.percent = static_cast<unsigned>(upto(120)),
                                   .at_least = upto(3),
                                   .window = std::chrono::nanoseconds(1 + upto(80))};
    const std::int64_t slice = (how.window.count() + 9) / 10;
    retry_budget budget(how);
    std::vector<std::int64_t> requests, retries;
    const auto count = [&](const std::vector<std::int64_t>& instants, std::int64_t now) {
      std::uint64_t found = 0;
      for (const std::int64_t each : instants) found += each / slice + 10 >= now / slice ? 1 : 0;
      return found;
    };
    for (int step = 0; step < 200; ++step) {
      if (upto(2) == 0) here.run(sleep_for(std::chrono::nanoseconds(upto(upto(20) == 0 ? 200 : 5))));
      const std::int64_t now = loop_clock::now().time_since_epoch().count();
      if (upto(1) == 0) {
        budget.note_request();
        requests.push_back(now);
        continue;
      }
      const std::uint64_t allowed = how.at_least + count(requests, now) * how.percent / 100;
      const std::uint64_t taken = count(retries, now);
      REQUIRE(budget.available() == (allowed > taken ? allowed - taken : 0));
      REQUIRE(budget.try_retry() == (taken < allowed));
      if (taken < allowed) retries.push_back(now);
    }
  }
}
