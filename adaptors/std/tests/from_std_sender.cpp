#include "braid/std/from_std_sender.hpp"

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include <exec/static_thread_pool.hpp>

#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/std/as_std_sender.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "recorder.hpp"
#include "until_stopped.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("from_std_sender: completes with the values, in every style", "[std][from_std_sender]") {
  IN_EVERY_STYLE(style);
  loop home;
  CHECK(style.wait(from_std_sender(stdexec::just())));
  CHECK(style.wait(from_std_sender(stdexec::just(3))).value() == 3);
  CHECK(*style.wait(from_std_sender(stdexec::just(std::make_unique<int>(4)))).value() == 4);
  CHECK(style.wait(from_std_sender(stdexec::just(5, std::string("five")))).value() == std::tuple(5, "five"));
  auto sum = stdexec::just(1, 2) | stdexec::then([](int a, int b) { return a + b; });
  CHECK(style.wait(from_std_sender(sum)).value() == 3);
}

TEST_CASE("from_std_sender: completes with the errors, in every style", "[std][from_std_sender]") {
  IN_EVERY_STYLE(style);
  loop home;
  const auto error_of = [&](auto failure) {
    return style.wait(from_std_sender(stdexec::just_error(std::move(failure)))).error();
  };
  CHECK(error_of(std::make_error_code(std::errc::io_error)) == std::errc::io_error);
  CHECK(error_of(error(std::errc::io_error)) == std::errc::io_error);
  CHECK_THROWS_AS(error_of(std::make_exception_ptr(std::out_of_range("x"))).rethrow(), std::out_of_range);
  CHECK_THROWS_AS(error_of(7).rethrow(), int);
  auto throws = stdexec::just() | stdexec::then([] { throw std::out_of_range("x"); });
  CHECK_THROWS_AS(style.wait(from_std_sender(throws)).value(), std::out_of_range);
  CHECK(style.wait(from_std_sender(stdexec::just_stopped())).error() == std::errc::operation_canceled);
}

TEST_CASE("from_std_sender: ends on the loop's thread, in every style", "[std][from_std_sender][threads]") {
  IN_EVERY_STYLE(style);
  exec::static_thread_pool pool(2);
  loop home;
  auto where =
      stdexec::schedule(pool.get_scheduler()) | stdexec::then([] { return std::this_thread::get_id(); });
  CHECK(style.wait(from_std_sender(where)).value() != std::this_thread::get_id());
  std::optional<std::thread::id> ended_on;
  start(from_std_sender(where), [&](const auto&) { ended_on = std::this_thread::get_id(); });
  CHECK_FALSE(ended_on);
  home.run();
  CHECK(ended_on == std::this_thread::get_id());
}

TEST_CASE("from_std_sender: nothing begins before it is awaited, nor once stop was requested",
          "[std][from_std_sender]") {
  loop home;
  int begun = 0;
  (void)from_std_sender(until_stopped{&begun});
  stop_source source;
  source.request_stop();
  recorded op(from_std_sender(until_stopped{&begun}), source.get_token());
  op.start();
  home.run();
  CHECK(op.result().error() == std::errc::operation_canceled);
  CHECK(begun == 0);
}

TEST_CASE("from_std_sender: a stop request reaches the sender, which may still succeed",
          "[std][from_std_sender][threads]") {
  loop home;
  const bool succeeds = GENERATE(true, false);
  const bool elsewhere = GENERATE(true, false);
  CAPTURE(succeeds, elsewhere);
  int begun = 0;
  stop_source source;
  recorded op(from_std_sender(until_stopped{&begun, succeeds}), source.get_token());
  op.start();
  home.turn(false);
  CHECK(begun == 1);
  CHECK_FALSE(op.done());
  CHECK(home.has_work());
  std::thread other;
  if (elsewhere)
    other = std::thread([&] { source.request_stop(); });
  else
    source.request_stop();
  home.run();
  if (elsewhere) other.join();
  CHECK(op.heard.times == 1);
  if (succeeds)
    CHECK(op.result().value() == 1);
  else
    CHECK(op.result().error() == std::errc::operation_canceled);
}

TEST_CASE("from_std_sender: the loop's end stops the sender and waits for it", "[std][from_std_sender]") {
  int begun = 0;
  std::optional<result<int>> ended;
  {
    loop home;
    start(from_std_sender(until_stopped{&begun}), [&](result<int> with) { ended = std::move(with); });
    CHECK_FALSE(ended);
  }
  REQUIRE(ended);
  CHECK(ended->error() == std::errc::operation_canceled);
}

TEST_CASE("from_std_sender: is cancelled at every await, there and back", "[std][from_std_sender]") {
  CHECK(every_cancellation([]() -> task<> {
          const auto twice = []() -> task<int> {
            co_await yield();
            co_await yield();
            co_return 2;
          };
          auto there = as_std_sender(twice) | stdexec::then([](int n) noexcept { return n + 1; });
          (void)co_await from_std_sender(std::move(there));
        }) > 0);
}
