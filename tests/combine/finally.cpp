#include "braid/combine/finally.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "combine/operations.hpp"
#include "ends_elsewhere.hpp"
#include "every_allocation.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "recorder.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("finally: the clean-up runs after a value or an error and keeps it", "[finally]") {
  IN_EVERY_STYLE(style);
  int cleaned = 0;
  const auto clean_up = [&]() -> task<> {
    co_await yield();
    ++cleaned;
  };
  CHECK(style.wait(finally(later(1), clean_up)).value() == 1);
  CHECK(cleaned == 1);
  CHECK(style.wait(finally([] { return fails("op"); }, clean_up)).error().message() == "op");
  CHECK(cleaned == 2);
}

TEST_CASE("finally: the clean-up may be any sender, whose value is dropped", "[finally]") {
  bool cleaned = false;
  run(finally(just(), in_fiber([&] {
                await(yield());
                cleaned = true;
              })));
  CHECK(cleaned);
  CHECK(run(finally(just(2), just("dropped"))) == 2);
}

TEST_CASE("finally: a stop request reaches the operation but not the clean-up", "[finally][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  stop_source stop;
  bool cleaned = false;
  here.post([&] { stop.request_stop(); });
  const auto ended = style.wait(with_stop_token(finally(sleep_for(1h),
                                                        [&]() -> task<> {
                                                          const auto token = co_await get_stop_token();
                                                          co_await yield();
                                                          cleaned = !token.stop_possible();
                                                        }),
                                                stop.get_token()));
  CHECK(ended.error() == std::errc::operation_canceled);
  CHECK(cleaned);
}

TEST_CASE("finally: a clean-up error replaces a value, and an earlier error suppresses it", "[finally]") {
  CHECK(run(as_result(finally(later(1), [] { return fails("clean-up"); }))).error().message() == "clean-up");
  CHECK(run(as_result(finally(later(1), []() -> task<> { throw std::runtime_error("at once"); })))
            .error()
            .message() == "at once");
  const auto both = run(as_result(finally(fails("op"), [] { return fails("clean-up"); })));
  REQUIRE_FALSE(both);
  CHECK(both.error().message() == "op");
  REQUIRE(both.error().suppressed().size() == 1);
  CHECK(both.error().suppressed()[0].message() == "clean-up");
}

TEST_CASE("finally: of nested clean-ups the innermost runs first", "[finally]") {
  std::vector<int> order;
  const auto step = [&](int number) {
    return [&order, number]() -> task<> {
      co_await yield();
      order.push_back(number);
    };
  };
  run(finally(finally(step(1), step(2)), step(3)));
  CHECK(order == std::vector{1, 2, 3});
}

TEST_CASE("finally: the clean-up runs for an operation that is stopped before it begins", "[finally][stop]") {
  loop here;
  stop_source stopped;
  stopped.request_stop();
  int cleaned = 0;
  recorded op(finally(sleep_for(1h), [&]() -> task<> { co_return void(++cleaned); }), stopped.get_token());
  op.start();
  here.run();
  CHECK(op.result().error() == std::errc::operation_canceled);
  CHECK(cleaned == 1);
}

TEST_CASE("finally: an operation that a join does not begin has no clean-up", "[finally]") {
  int begun = 0, cleaned = 0;
  const auto guarded = [&] {
    return finally([&]() -> task<> { co_return void(++begun); },
                   [&]() -> task<> { co_return void(++cleaned); });
  };
  CHECK_FALSE(run(as_result(when_all(guarded(), just_error<void>(std::errc::io_error), guarded()))));
  CHECK(begun == 1);
  CHECK(cleaned == 1);
}

TEST_CASE("finally: the clean-up of a scope runs after all children have ended", "[finally][scope]") {
  int children = 0;
  bool cleaned_up_last = false;
  const auto child = [&]() -> task<> {
    (void)co_await as_result(sleep_for(1h));
    (void)co_await as_result(yield());
    ++children;
  };
  const auto body = [&](scope& s) -> task<> {
    s.spawn(child);
    s.spawn(child);
    co_await yield();
    throw std::runtime_error("body");
  };
  const auto got = run(as_result(finally(with_scope(body), [&]() -> task<> {
    co_await yield();
    cleaned_up_last = children == 2;
  })));
  CHECK(got.error().message() == "body");
  CHECK(cleaned_up_last);
}

TEST_CASE("finally: the clean-up runs on the home loop when the operation ended on another thread",
          "[finally][thread]") {
  loop here;
  const auto home = std::this_thread::get_id();
  bool at_home = false;
  const int got = here.run(finally(ends_elsewhere{1}, [&]() -> task<> {
    co_await yield();
    at_home = std::this_thread::get_id() == home;
  }));
  CHECK(got == 1);
  CHECK(at_home);
}

TEST_CASE("finally: at the loop's end the clean-up runs up to its first wait", "[finally]") {
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = owned;
  std::vector<std::string> done;
  event never;
  {
    loop here;
    detach(finally(sleep_for(1h), [&, owned]() -> task<> {
      done.emplace_back("begun");
      const auto waited = co_await as_result(sleep_for(0ns));
      done.emplace_back(waited ? "waited" : "cancelled");
    }));
    detach(
        finally(never.wait(), [&, owned]() -> task<> { co_return done.emplace_back("destroyed"), void(); }));
    detach(finally(just(), [&, owned] { return never.wait(); }));
    owned.reset();
    here.run(yield());
  }
  CHECK(done == std::vector<std::string>{"begun", "cancelled"});
  CHECK(watch.expired());
}

TEST_CASE("finally: the clean-up runs to its end, with a stop at each suspension", "[finally][stop]") {
  const auto suspensions = every_cancellation([]() -> task<> {
    bool open = false;
    const auto use = [&]() -> task<int> {
      open = true;
      co_await yield();
      co_await sleep_for(0ns);
      co_return 1;
    };
    const auto clean_up = [&]() -> task<> {
      co_await yield();
      co_await yield();
      open = false;
    };
    const auto got = co_await as_result(finally(use, clean_up));
    if (!loop::current().ending() && memory_lasts()) CHECK_FALSE(open);
    if (got.value() != 1) throw std::logic_error("another value");
  });
  CHECK(suspensions > 3);
}
