#include "braid/base/stop_reason.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "braid/combine/finally.hpp"
#include "braid/combine/for_each_concurrent.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/task_group.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/when_any_settled.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/style/promise.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

constexpr stop_reason new_settings = of_program(7);

// Waits until it is stopped, and keeps the reason that its token gave in the clean-up.
task<> wait(stop_reason& seen) {
  const stop_token stop = co_await get_stop_token();
  auto note = [stop, &seen]() -> task<> {
    seen = stop.reason();
    co_return;
  };
  event never;
  auto whole = finally(never.wait(), std::move(note));
  co_await std::move(whole);
}
task<> fails() {
  co_await yield();
  throw std::runtime_error("a sibling's failure");
}

}  // namespace

TEST_CASE("stop_reason: the first request's reason stays", "[stop_reason]") {
  stop_source stop;
  CHECK(stop.reason() == stop_reason::none);
  CHECK(stop.get_token().reason() == stop_reason::none);
  CHECK(stop_token().reason() == stop_reason::none);
  CHECK(stop.request_stop(new_settings));
  CHECK_FALSE(stop.request_stop(stop_reason::timed_out));
  CHECK(stop.reason() == new_settings);
  CHECK(stop.get_token().reason() == new_settings);
  stop_source another;
  CHECK(another.request_stop());
  CHECK(another.reason() == stop_reason::requested);
}

TEST_CASE("stop_reason: a callback may take it, also when it registers late", "[stop_reason]") {
  stop_source stop;
  std::vector<stop_reason> seen;
  const auto note = [&](stop_reason why) noexcept { seen.push_back(why); };
  {
    const stop_callback early(stop.get_token(), note);
    stop.request_stop(of_program(65535 - 256));
  }
  const stop_callback late(stop.get_token(), note);
  CHECK(seen == std::vector(2, of_program(65535 - 256)));
  CHECK(seen[0] == static_cast<stop_reason>(65535));
}

TEST_CASE("stop_reason: reaches what is stopped from a time-out, a join, a scope and a future",
          "[stop_reason]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  stop_reason seen = stop_reason::none;
  loop here;
  SECTION("with_timeout") {
    CHECK(style.wait(with_timeout(wait(seen), 1ms)).error() == std::errc::timed_out);
    CHECK(seen == stop_reason::timed_out);
  }
  SECTION("when_all") {
    CHECK_FALSE(style.wait(when_all(wait(seen), fails())));
    CHECK(seen == stop_reason::sibling_failed);
  }
  SECTION("for_each_concurrent") {
    const auto each = [&](int n) { return n == 0 ? wait(seen) : fails(); };
    CHECK_FALSE(style.wait(for_each_concurrent(std::vector{0, 1}, 2, each)));
    CHECK(seen == stop_reason::sibling_failed);
  }
  SECTION("when_any") {
    CHECK(style.wait(when_any(wait(seen), yield())));
    CHECK(seen == stop_reason::not_needed);
  }
  SECTION("when_any_settled") {
    auto all = style.wait(when_any_settled(wait(seen), yield()));
    REQUIRE(all);
    CHECK(seen == stop_reason::not_needed);
    CHECK(std::get<0>(all->results).error().stop_reason() == stop_reason::not_needed);
  }
  SECTION("a scope's failure") {
    CHECK_FALSE(style.wait(with_scope([&](scope& all) {
      all.spawn(wait(seen));
      return fails();
    })));
    CHECK(seen == stop_reason::sibling_failed);
  }
  SECTION("scope::request_stop") {
    (void)style.wait(with_scope([&](scope& all) {
      all.spawn(wait(seen));
      all.request_stop(stop_reason::shut_down);
    }));
    CHECK(seen == stop_reason::shut_down);
  }
  SECTION("scope::request_stop on another thread") {
    std::thread other;
    (void)style.wait(with_scope([&](scope& all) {
      all.spawn(wait(seen));
      other = std::thread([&] { all.request_stop(new_settings); });
    }));
    other.join();
    CHECK(seen == new_settings);
  }
  SECTION("task_group::request_stop") {
    (void)style.wait(with_group<void>([&](task_group<void>& all) {
      all.spawn(wait(seen));
      all.request_stop(new_settings);
    }));
    CHECK(seen == new_settings);
  }
  SECTION("future::request_stop") {
    auto running = spawn(wait(seen));
    here.run(yield());
    running.request_stop(new_settings);
    const auto ended = style.wait(std::move(running));
    CHECK(ended.error() == std::errc::operation_canceled);
    CHECK(ended.error().stop_reason() == new_settings);
    CHECK(seen == new_settings);
  }
  SECTION("with_stop_token") {
    stop_source stop;
    here.post([&] { stop.request_stop(new_settings); });
    const auto ended = style.wait(with_stop_token(wait(seen), stop.get_token()));
    CHECK(ended.error().stop_reason() == new_settings);
    CHECK(seen == new_settings);
  }
  SECTION("the waiter of a future, and of a chain") {
    auto running = spawn(wait(seen)).then([] {});
    CHECK(style.wait(with_timeout(std::move(running), 1ms)).error() == std::errc::timed_out);
    CHECK(seen == stop_reason::timed_out);
  }
  SECTION("through everything that is in between") {
    const auto body = [&](scope& all) { return when_all(all.spawn(with_timeout(wait(seen), 1h)), yield()); };
    auto nested = with_scope(body);
    CHECK(style.wait(with_timeout(std::move(nested), 1ms)).error() == std::errc::timed_out);
    CHECK(seen == stop_reason::timed_out);
  }
}

TEST_CASE("stop_reason: of two tokens the first request's passes on", "[stop_reason]") {
  stop_reason seen = stop_reason::none;
  loop here;
  stop_source stop;
  auto both = spawn(with_stop_token(wait(seen), stop.get_token()));
  here.run(yield());
  const bool own_first = GENERATE(true, false);
  if (own_first) stop.request_stop(new_settings);
  both.request_stop(stop_reason::shut_down);
  stop.request_stop(new_settings);
  const auto ended = here.run(as_result(std::move(both)));
  CHECK(ended.error().stop_reason() == (own_first ? new_settings : stop_reason::shut_down));
  CHECK(seen == (own_first ? new_settings : stop_reason::shut_down));
}

TEST_CASE("stop_reason: a promise learns that its future was dropped or stopped", "[stop_reason]") {
  loop here;
  promise<int> asked;
  { auto dropped = asked.get_future(); }
  CHECK(asked.get_stop_token().reason() == stop_reason::not_needed);
  promise<int> another;
  auto waits = spawn(with_timeout(another.get_future(), 1ms));
  CHECK(here.run(as_result(std::move(waits))).error() == std::errc::timed_out);
  CHECK(another.get_stop_token().reason() == stop_reason::timed_out);
}

TEST_CASE("stop_reason: an operation that was not stopped, or failed otherwise, has none", "[stop_reason]") {
  loop here;
  CHECK(error(std::errc::operation_canceled).stop_reason() == stop_reason::none);
  auto failed = spawn(fails());
  failed.request_stop(new_settings);
  const auto ended = here.run(as_result(std::move(failed)));
  CHECK(ended.error().stop_reason() ==
        (ended.error() == std::errc::operation_canceled ? new_settings : stop_reason::none));
  error io(std::errc::io_error);
  io.set_stop_reason(new_settings);
  CHECK(io.stop_reason() == stop_reason::none);
  error canceled(std::errc::operation_canceled);
  canceled.set_stop_reason(new_settings);
  canceled.set_stop_reason(stop_reason::shut_down);  // the innermost stays
  CHECK(error(canceled).stop_reason() == new_settings);
}
