// A from_callback that is stopped, or whose loop ends.

#include "braid/schedule/from_callback.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/schedule/sleep.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "recorder.hpp"
#include "schedule/kept_done.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE(
    "from_callback: without a canceller a stop request ends it at once, and done does nothing afterwards",
    "[schedule][from_callback]") {
  loop home;
  kept_done<std::shared_ptr<int>> kept;
  stop_source source;
  recorded op(from_callback<std::shared_ptr<int>>(kept.taker()), source.get_token());
  op.start();
  CHECK(home.has_work());
  source.request_stop();
  CHECK_FALSE(op.done());  // never within start
  home.run();
  REQUIRE(op.heard.times == 1);
  CHECK(op.result().error() == std::errc::operation_canceled);
  const auto late = std::make_shared<int>(1);
  CHECK_FALSE((*kept.done)(late));
  CHECK(late.use_count() == 1);
}

TEST_CASE("from_callback: a stop request calls the canceller, then it waits for done",
          "[schedule][from_callback]") {
  loop home;
  kept_done<int> kept;
  int cancelled = 0;
  stop_source source;
  recorded op(from_callback<int>([&](callback_done<int> done) {
                kept.taker()(std::move(done));
                return [&] { ++cancelled; };
              }),
              source.get_token());
  op.start();
  source.request_stop();
  CHECK(cancelled == 1);
  home.turn(false);
  CHECK_FALSE(op.done());
  SECTION("which reports the cancellation") {
    (*kept.done)(std::errc::operation_canceled);
    home.run();
    CHECK(op.result().error() == std::errc::operation_canceled);
  }
  SECTION("which was faster: its value is kept") {
    (*kept.done)(5);
    home.run();
    CHECK(op.result().value() == 5);
  }
  CHECK(op.heard.times == 1);
  CHECK(cancelled == 1);
}

TEST_CASE("from_callback: a canceller that returns true ends it, one that returns false does not",
          "[schedule][from_callback]") {
  loop home;
  kept_done<int> kept;
  bool gone = GENERATE(true, false);
  stop_source source;
  recorded op(from_callback<int>([&](callback_done<int> done) {
                kept.taker()(std::move(done));
                return [&] { return gone; };
              }),
              source.get_token());
  op.start();
  source.request_stop();
  home.turn(false);
  CHECK(op.done() == gone);
  if (!gone) (*kept.done)(1);
  home.run();
  CHECK(op.heard.times == 1);
}

TEST_CASE("from_callback: a canceller that calls done, or throws, ends it", "[schedule][from_callback]") {
  loop home;
  kept_done<int> kept;
  stop_source source;
  SECTION("calls done") {
    recorded op(from_callback<int>([&](callback_done<int> done) {
                  kept.taker()(std::move(done));
                  return [&] { (*kept.done)(std::errc::connection_aborted); };
                }),
                source.get_token());
    op.start();
    source.request_stop();
    home.run();
    CHECK(op.result().error() == std::errc::connection_aborted);
  }
  SECTION("throws") {
    recorded op(from_callback<int>([&](callback_done<int> done) {
                  kept.taker()(std::move(done));
                  return [&] { throw std::out_of_range("no"); };
                }),
                source.get_token());
    op.start();
    source.request_stop();
    home.run();
    CHECK_THROWS_AS(op.result().value(), std::out_of_range);
  }
}

TEST_CASE("from_callback: f is not called if stop was requested before the start",
          "[schedule][from_callback]") {
  loop home;
  stop_source source;
  source.request_stop();
  bool called = false;
  recorded op(from_callback<int>([&](auto done) {
                called = true;
                done(1);
              }),
              source.get_token());
  op.start();
  home.run();
  CHECK(op.result().error() == std::errc::operation_canceled);
  CHECK_FALSE(called);
}

TEST_CASE("from_callback: a stop request races with done on another thread",
          "[schedule][from_callback][threads]") {
  loop home;
  for (int round = 0; round < 200; ++round) {
    kept_done<int> kept;
    stop_source source;
    recorded op(from_callback<int>(kept.taker()), source.get_token());
    op.start();
    std::atomic<bool> go{false};
    bool heard = false;
    std::thread calls([&] {
      go.wait(false);
      heard = (*kept.done)(1);
    });
    std::thread stops([&] {
      go.wait(false);
      source.request_stop();
    });
    go = true;
    go.notify_all();
    home.run();
    calls.join();
    stops.join();
    home.run();
    REQUIRE(op.heard.times == 1);
    REQUIRE(op.result().has_value() == heard);
  }
}

TEST_CASE("from_callback: the loop's end cancels it, and done may be called later",
          "[schedule][from_callback]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  kept_done<int> kept;
  std::optional<result<int>> ended;
  {
    loop home;
    switch (style.is) {
      case any_style::callback:
        start(from_callback<int>(kept.taker()), [&](result<int> r) { ended = std::move(r); });
        break;
      case any_style::future:
        detach(spawn(from_callback<int>(kept.taker())).then([](int) {}).catch_error([&](const error& e) {
          ended = e;
        }));
        break;
      case any_style::coroutine:
        detach([&]() -> task<> { ended = co_await as_result(from_callback<int>(kept.taker())); });
        break;
      default: detach(in_fiber([&] { ended = await(as_result(from_callback<int>(kept.taker()))); })); break;
    }
    home.turn(false);
    REQUIRE(kept.done != nullptr);
  }
  // A loop that ends does not begin a future's continuation.
  if (style.is != any_style::future) {
    REQUIRE(ended);
    CHECK(ended->error() == std::errc::operation_canceled);
  }
  CHECK_FALSE((*kept.done)(1));
}

TEST_CASE("from_callback: the loop's end calls the canceller and waits for done",
          "[schedule][from_callback][threads]") {
  std::thread api;
  std::atomic<bool> cancelled{false};
  std::optional<result<int>> ended;
  {
    loop home;
    start(from_callback<int>([&](auto done) {
            api = std::thread([&, done] {
              cancelled.wait(false);
              done(6);
            });
            return [&] {
              cancelled = true;
              cancelled.notify_one();
            };
          }),
          [&](result<int> r) { ended = std::move(r); });
    home.turn(false);
  }
  api.join();
  REQUIRE(ended);
  CHECK(ended->value() == 6);
}

TEST_CASE("from_callback: can be cancelled at every await", "[schedule][from_callback]") {
  every_cancellation([]() -> task<> {
    kept_done<int> kept;
    const auto calls = [&]() -> task<> {
      co_await sleep_for(0ms);
      (*kept.done)(4);
    };
    auto both = co_await when_all(from_callback<int>(kept.taker()), calls());
    CHECK(std::get<0>(both) == 4);
  });
}
