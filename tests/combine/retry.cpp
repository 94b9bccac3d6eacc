#include "braid/combine/retry.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "every_allocation.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "sanitized.hpp"
#include "stack/small_stack.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

constexpr retry_policy at_once{.attempts = 5, .base = 0ns};

error numbered(int n) { return std::make_exception_ptr(std::runtime_error("attempt " + std::to_string(n))); }

// Fails before its n-th call.
struct succeeds_at {
  int which;
  std::shared_ptr<int> calls = std::make_shared<int>(0);
  task<std::unique_ptr<int>> operator()() const {
    return [](int call, int last) -> task<std::unique_ptr<int>> {
      co_await yield();
      if (call < last) numbered(call).rethrow();
      co_return std::make_unique<int>(call);
    }(++*calls, which);
  }
};

std::vector<loop_clock::duration> pauses_of(const retry_policy& policy) {
  std::vector<loop_clock::duration> pauses;
  std::uint64_t random = braid::detail::seed_of(policy);
  for (int failures = 1; failures < policy.attempts; ++failures)
    pauses.push_back(braid::detail::pause_after(failures, policy, random));
  return pauses;
}

}  // namespace

TEST_CASE("retry: tries again until the first success", "[retry]") {
  IN_EVERY_STYLE(style);
  const succeeds_at third{3};
  const auto ended = style.wait(retry(at_once, third));
  REQUIRE(ended);
  CHECK(**ended == 3);
  CHECK(*third.calls == 3);
  CHECK(style.wait(retry({}, [] { return just(); })));
}

TEST_CASE("retry: if all attempts fail, the last error keeps the earlier ones in order", "[retry]") {
  IN_EVERY_STYLE(style);
  const succeeds_at never{100};
  const auto ended = style.wait(retry({.attempts = 3, .base = 1ns}, never));
  REQUIRE_FALSE(ended);
  CHECK(*never.calls == 3);
  CHECK(ended.error().message() == "attempt 3");
  REQUIRE(ended.error().suppressed().size() == 2);
  CHECK(ended.error().suppressed()[0].message() == "attempt 1");
  CHECK(ended.error().suppressed()[1].message() == "attempt 2");
}

TEST_CASE("retry: keeps the latest of a thousand errors", "[retry]") {
  const auto ended = run(as_result(retry({.attempts = 1000, .base = 0ns}, succeeds_at{1001})));
  CHECK(ended.error().message() == "attempt 1000");
  REQUIRE(ended.error().suppressed().size() == 7);
  CHECK(ended.error().suppressed()[0].message() == "attempt 993");
  CHECK(ended.error().suppressed()[6].message() == "attempt 999");
}

TEST_CASE("retry: no attempts are an invalid_argument", "[retry]") {
  for (const int attempts : {0, -1}) {
    bool made = false;
    const auto ended = run(as_result(retry({.attempts = attempts}, [&] { return made = true, just(); })));
    CHECK_THROWS_AS(ended.value(), std::invalid_argument);
    CHECK_FALSE(made);
  }
}

TEST_CASE("retry: by default a cancellation or a logic_error ends it", "[retry]") {
  int attempts = 0;
  const auto fails_with = [&](error why) {
    attempts = 0;
    return run(as_result(retry(at_once, [&, why] { return ++attempts, just_error<int>(why); }))).error();
  };
  CHECK(fails_with(std::errc::operation_canceled) == std::errc::operation_canceled);
  CHECK(attempts == 1);
  CHECK(fails_with(std::make_exception_ptr(std::out_of_range("ours"))).message() == "ours");
  CHECK(attempts == 1);
  for (const error& world : {error(std::errc::connection_refused), error(std::errc::timed_out),
                             error(errc::end_of_stream), error(std::make_exception_ptr(7))}) {
    CHECK(fails_with(world) == world);
    CHECK(attempts == 5);
  }
}

TEST_CASE("retry: a predicate replaces the default choice of errors to retry", "[retry]") {
  int attempts = 0;
  const auto twice_refused = [&]() {
    return just_error<int>(++attempts < 3 ? std::errc::operation_canceled : std::errc::permission_denied);
  };
  const auto ended = run(as_result(
      retry(at_once, twice_refused, [](const error& why) { return why != std::errc::permission_denied; })));
  CHECK(ended == std::errc::permission_denied);
  CHECK(attempts == 3);
  CHECK(ended.error().suppressed().size() == 2);
}

TEST_CASE("retry: calls the observer for each failed attempt, with the pause that follows", "[retry]") {
  std::vector<std::string> notes;
  const auto record = [&](const failed_attempt& failed) {
    notes.push_back(std::to_string(failed.number) + " " + failed.why.message() +
                    (failed.pause ? " " + std::to_string(failed.pause->count()) : ""));
  };
  const retry_policy doubling{.attempts = 3, .base = 10ns, .jitter = retry_jitter::none};
  (void)run(as_result(retry(doubling, succeeds_at{4}, worth_retrying, record)));
  CHECK(notes == std::vector<std::string>{"1 attempt 1 10", "2 attempt 2 20", "3 attempt 3"});
  notes.clear();
  (void)run(retry(doubling, succeeds_at{1}, worth_retrying, record));
  CHECK(notes.empty());
}

TEST_CASE("retry: an exception from the factory is a failed attempt", "[retry]") {
  int calls = 0;
  CHECK(run(retry(at_once, [&] {
          if (++calls < 3) throw std::runtime_error("no sender");
          return just(calls);
        })) == 3);
}

TEST_CASE("retry: an exception from the predicate or the observer ends it", "[retry]") {
  const auto fails = [] { return just_error<int>(std::errc::io_error); };
  CHECK_THROWS_WITH(run(retry(at_once, fails, [](const error&) -> bool { throw std::runtime_error("p"); })),
                    "p");
  CHECK_THROWS_WITH(run(retry(at_once, fails, worth_retrying,
                              [](const failed_attempt&) { throw std::runtime_error("o"); })),
                    "o");
}

TEST_CASE("retry: the backoff doubles up to the cap, and never overflows", "[retry]") {
  CHECK(pauses_of({.attempts = 6, .base = 100ms, .cap = 1s, .jitter = retry_jitter::none}) ==
        std::vector<loop_clock::duration>{100ms, 200ms, 400ms, 800ms, 1s});
  const auto longest = loop_clock::duration::max();
  const auto steep = pauses_of({.attempts = 200, .base = 1ns, .cap = longest, .jitter = retry_jitter::none});
  CHECK(steep[62] == loop_clock::duration(std::int64_t{1} << 62));
  CHECK(std::all_of(steep.begin() + 63, steep.end(), [&](auto pause) { return pause == longest; }));
  for (const auto nothing : {0ns, -5ns}) {
    CHECK(pauses_of({.attempts = 2, .base = nothing}).front() == 0ns);
    CHECK(pauses_of({.attempts = 2, .cap = nothing}).front() == 0ns);
  }
}

TEST_CASE("retry: full jitter draws a pause between zero and the backoff; the same seed draws the same",
          "[retry]") {
  retry_policy policy{.attempts = 1001, .base = 8ns, .cap = 8ns, .seed = 7};
  const auto drawn = pauses_of(policy);
  CHECK(drawn == pauses_of(policy));
  for (auto pause = 0ns; pause <= 8ns; ++pause) {
    const auto times = std::count(drawn.begin(), drawn.end(), pause);
    CHECK(times > 70);  // 111 are expected, with a standard deviation of 10
    CHECK(times < 150);
  }
  CHECK(*std::max_element(drawn.begin(), drawn.end()) == 8ns);
  policy.seed = 8;
  CHECK(drawn != pauses_of(policy));
  policy.seed.reset();
  CHECK(pauses_of(policy) != pauses_of(policy));
}

TEST_CASE("retry: a stop request ends the attempt or the pause at once", "[retry][stop][kernel]") {
  loop here;
  stop_source stop;
  const retry_policy patient{.base = 24h, .cap = 24h, .jitter = retry_jitter::none};
  SECTION("during the attempt") {
    auto retried = spawn(with_stop_token(retry(patient, [] { return sleep_for(24h); }), stop.get_token()));
    stop.request_stop();
    CHECK(here.run(as_result(std::move(retried))) == std::errc::operation_canceled);
  }
  SECTION("during the pause; the error keeps the earlier failure") {
    auto retried = spawn(with_stop_token(retry(patient, succeeds_at{9}), stop.get_token()));
    for (int turn = 0; turn < 3; ++turn) here.run(yield());
    stop.request_stop();
    const auto ended = here.run(as_result(std::move(retried)));
    CHECK(ended == std::errc::operation_canceled);
    CHECK_THAT(ended.error().message(), contains("retry"));
    REQUIRE(ended.error().suppressed().size() == 1);
    CHECK(ended.error().suppressed()[0].message() == "attempt 1");
  }
  SECTION("during the pause, from another thread") {
    auto retried = spawn(with_stop_token(retry(patient, succeeds_at{9}), stop.get_token()));
    for (int turn = 0; turn < 3; ++turn) here.run(yield());  // a later failure would be the result
    std::thread elsewhere([&] { stop.request_stop(); });
    CHECK(here.run(as_result(std::move(retried))) == std::errc::operation_canceled);
    elsewhere.join();
  }
  SECTION("before it begins; no operation is made") {
    stop.request_stop();
    const succeeds_at first{1};
    CHECK(here.run(as_result(with_stop_token(retry(patient, first), stop.get_token()))) ==
          std::errc::operation_canceled);
    CHECK(*first.calls == 0);
  }
  SECTION("although every error is retried") {
    const auto always = [](const error&) { return true; };
    auto retried = spawn(with_stop_token(
        retry({.attempts = 9, .base = 0ns}, [] { return sleep_for(24h); }, always), stop.get_token()));
    stop.request_stop();
    CHECK(here.run(as_result(std::move(retried))) == std::errc::operation_canceled);
  }
}

TEST_CASE("retry: a deadline around it ends it, and the error keeps the earlier failures", "[retry]") {
  const auto ended = run(as_result(
      with_timeout(retry({.base = 24h, .cap = 24h, .jitter = retry_jitter::none}, succeeds_at{9}), 1ms)));
  CHECK(ended == std::errc::timed_out);
  REQUIRE(ended.error().suppressed().size() == 1);
  CHECK(ended.error().suppressed()[0].message() == "attempt 1");
}

TEST_CASE("retry: a time-out of one attempt is a failed attempt", "[retry]") {
  int attempts = 0;
  const auto quick_third = [&] { return with_timeout(sleep_for(++attempts == 3 ? 0ns : 24h), 1us); };
  CHECK(run(as_result(retry({.attempts = 3, .base = 0ns}, quick_third))).has_value());
  attempts = -10;
  const auto ended = run(as_result(retry({.attempts = 3, .base = 0ns}, quick_third)));
  CHECK(ended == std::errc::timed_out);
  CHECK(ended.error().suppressed().size() == 2);
}

TEST_CASE("retry: after an attempt that ends on another thread the next one runs on the home loop",
          "[retry][thread]") {
  loop here;
  const auto home = std::this_thread::get_id();
  int at_home = 0;
  promise<loop*> made;
  auto there = made.get_future();
  stop_source finished;
  std::thread elsewhere([&] {
    loop other;
    made.set_value(&other);
    (void)other.run(as_result(with_stop_token(sleep_for(24h), finished.get_token())));
  });
  loop& other = *here.run(std::move(there));
  const auto fails_there = [&] {
    at_home += std::this_thread::get_id() == home;
    return [](loop& to) -> task<> {
      co_await resume_on(to);
      throw std::runtime_error("there");
    }(other);
  };
  CHECK(here.run(as_result(retry(at_once, fails_there))).error().message() == "there");
  CHECK(at_home == 5);
  finished.request_stop();
  elsewhere.join();
}

TEST_CASE("retry: 1,000,000 attempts that fail at once take constant stack and no allocations",
          "[retry][stack][allocation]") {
  const int attempts = sanitized ? 100'000 : 1'000'000;
  const auto [ended, allocated] = on_small_stack([&] {
    loop here;
    int calls = 0;
    const auto attempt = [&]() noexcept -> result<int> {
      if (++calls < attempts) return std::errc::io_error;
      return calls;
    };
    const auto make = [&] { return braid::detail::just_sender<decltype(attempt)>{attempt}; };
    here.run(yield());
    const allocation_count count;
    const int last = here.run(retry({.attempts = attempts, .base = 0ns}, make));
    return std::pair(last, count.made());
  });
  CHECK(ended == attempts);
  CHECK(allocated == 0);
}

TEST_CASE("retry: can be stopped at each suspension", "[retry][stop]") {
  CHECK(every_cancellation([]() -> task<> {
          auto retried = retry({.attempts = 4, .base = 1us, .seed = 1}, succeeds_at{3});
          const auto value = co_await std::move(retried);
          if (memory_lasts()) CHECK(*value == 3);
        }) > 3);
  CHECK(every_cancellation([] { return retry(at_once, succeeds_at{5}); }) > 5);
}
